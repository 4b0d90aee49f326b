package dev.sluice.model.gguf;

import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Models split over several files: {@code PREFIX-00002-of-00003.gguf} with the keys {@code
 * split.no} (from 0), {@code split.count} and {@code split.tensors.count}, as llama.cpp's {@code
 * gguf-split} writes them.
 */
final class GgufSplit {
  static final String NUMBER_KEY = "split.no";
  static final String COUNT_KEY = "split.count";
  static final String TENSORS_KEY = "split.tensors.count";
  static final int MAX_PARTS = 65_535;

  private static final Pattern NAME = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");

  private GgufSplit() {}

  /** The name of part {@code number}, from 0. */
  static String fileName(String prefix, int number, int count) {
    return String.format(Locale.ROOT, "%s-%05d-of-%05d.gguf", prefix, number + 1, count);
  }

  /** All parts of the model that {@code asked} is, or is a part of, in order. */
  static List<GgufPart> parts(GgufPart asked, Arena arena, Presence presence) {
    long count = asked.metadata().findInteger(COUNT_KEY).orElse(1);
    if (count == 0 || count == 1) {
      return List.of(asked);
    }
    if (count < 0 || count > MAX_PARTS) {
      throw new ModelFileException(
          asked.file(),
          asked.metadata().offset(COUNT_KEY),
          "key '%s' is %d; 1 to %d are possible".formatted(COUNT_KEY, count, MAX_PARTS));
    }
    String prefix = prefix(asked, (int) count);
    List<GgufPart> parts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      parts.add(part(asked, prefix, i, (int) count, arena, presence));
    }
    checkTensorCount(parts);
    return List.copyOf(parts);
  }

  private static String prefix(GgufPart asked, int count) {
    Path fileName = asked.file().getFileName();
    Matcher matcher = NAME.matcher(fileName == null ? "" : fileName.toString());
    long number = asked.metadata().integer(NUMBER_KEY);
    if (!matcher.matches()
        || Integer.parseInt(matcher.group(2)) != number + 1
        || Integer.parseInt(matcher.group(3)) != count) {
      throw new ModelFileException(
          asked.file(),
          "is part %d of %d of a split model, so its name must end in '%s': rename the parts"
              .formatted(number + 1, count, fileName("", (int) number, count)));
    }
    return matcher.group(1);
  }

  private static GgufPart part(
      GgufPart asked, String prefix, int number, int count, Arena arena, Presence presence) {
    Path file = asked.file().resolveSibling(fileName(prefix, number, count));
    if (file.equals(asked.file())) {
      return asked;
    }
    if (!Files.exists(file)) {
      throw new ModelFileException(
          file,
          "part %d of %d of the model is missing; put it beside %s"
              .formatted(number + 1, count, asked.file().getFileName()));
    }
    GgufPart part = GgufPart.map(file, arena, presence);
    OptionalLong saysNumber = part.metadata().findInteger(NUMBER_KEY);
    OptionalLong saysCount = part.metadata().findInteger(COUNT_KEY);
    if (!saysNumber.equals(OptionalLong.of(number)) || !saysCount.equals(OptionalLong.of(count))) {
      throw new ModelFileException(
          file,
          "is named as part %d of %d, but its keys '%s' and '%s' say otherwise"
              .formatted(number + 1, count, NUMBER_KEY, COUNT_KEY));
    }
    return part;
  }

  private static void checkTensorCount(List<GgufPart> parts) {
    long found = parts.stream().mapToLong(part -> part.tensors().size()).sum();
    GgufPart first = parts.getFirst();
    long stated = first.metadata().findInteger(TENSORS_KEY).orElse(found);
    if (stated != found) {
      throw new ModelFileException(
          first.file(),
          first.metadata().offset(TENSORS_KEY),
          "key '%s' is %d, but the %d parts hold %d tensors: parts of different models?"
              .formatted(TENSORS_KEY, stated, parts.size(), found));
    }
    if (found > GgufPart.MAX_TENSORS) {
      throw new ModelFileException(
          first.file(),
          "the parts hold %d tensors, more than the %d supported"
              .formatted(found, GgufPart.MAX_TENSORS));
    }
  }
}
