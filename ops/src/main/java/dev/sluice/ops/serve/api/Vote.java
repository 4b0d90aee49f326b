package dev.sluice.ops.serve.api;

import com.fasterxml.jackson.core.JsonGenerator;
import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.JsonFields;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Self-consistency (Wang et al., 2022): of several answers, the one that says what most say. What
 * an answer says is the first match of an expression in RE2's syntax, of which the time is linear
 * in the text: its first group, or all of it where it has none. Of equal counts the one met first
 * wins.
 */
record Vote(Pattern pattern) {
  private static final int MAX_PATTERN = 256;

  /** A pattern of this many steps looks at a text of some kilobytes in milliseconds. */
  private static final int MAX_STEPS = 4_096;

  /** What is looked at of an answer: its end. */
  private static final int MAX_TEXT = 1 << 14;

  /** Longest vote: what is longer is told apart by its beginning. */
  private static final int MAX_VOTE = 256;

  /** {@code "vote": {"regex": …}}. */
  static Optional<Vote> of(JsonFields fields, Terms terms) {
    Optional<JsonFields> given = fields.object("vote");
    if (given.isEmpty()) {
      return Optional.empty();
    }
    if (terms.stream()) {
      throw ApiException.invalid(
          fields.at("vote"), "vote: needs all answers, so it cannot go with stream: true");
    }
    JsonFields vote = given.get();
    Pattern pattern = pattern(vote.at("regex"), vote.requiredText("regex"));
    vote.end();
    return Optional.of(new Vote(pattern));
  }

  private static Pattern pattern(String at, String regex) {
    if (regex.isEmpty() || regex.length() > MAX_PATTERN) {
      throw ApiException.invalid(
          at, "%s: must have from 1 to %d characters".formatted(at, MAX_PATTERN));
    }
    if (steps(regex) > MAX_STEPS) {
      throw ApiException.invalid(at, at + ": has too large counts of repetitions");
    }
    try {
      return Pattern.compile(regex);
    } catch (PatternSyntaxException e) {
      throw ApiException.invalid(at, at + ": " + e.getMessage());
    }
  }

  /**
   * At most what it comes to when every {@code x{3}} is written as {@code xxx}, also nested ones.
   */
  private static long steps(String regex) {
    long steps = regex.length();
    Matcher counts = Counts.PATTERN.matcher(regex);
    while (counts.find() && steps <= MAX_STEPS) {
      String most =
          counts.group(2) == null || counts.group(2).isEmpty() ? counts.group(1) : counts.group(2);
      steps *= most.length() > 4 ? MAX_STEPS : Math.max(1, Integer.parseInt(most));
    }
    return steps;
  }

  private static final class Counts {
    static final Pattern PATTERN = Pattern.compile("\\{(\\d+)(?:,(\\d*))?\\}");
  }

  /**
   * How a vote ended.
   *
   * @param winner what most answers say; empty where none says anything
   * @param counts of all that were said
   * @param silent answers without a match
   * @param first the first answer that says it, or the first of all
   */
  record Result(Optional<String> winner, Map<String, Integer> counts, int silent, int first) {
    /** The field {@code vote}. */
    void write(JsonGenerator json) throws IOException {
      json.writeObjectFieldStart("vote");
      json.writeStringField("winner", winner.orElse(null));
      json.writeObjectFieldStart("counts");
      for (Map.Entry<String, Integer> count : counts.entrySet()) {
        json.writeNumberField(count.getKey(), count.getValue());
      }
      json.writeEndObject();
      json.writeNumberField("without_match", silent);
      json.writeEndObject();
    }
  }

  /** Counts the votes of answers. */
  Result count(List<String> answers) {
    Map<String, Integer> counts = new LinkedHashMap<>();
    Map<String, Integer> firsts = new LinkedHashMap<>();
    int silent = 0;
    for (int i = 0; i < answers.size(); i++) {
      Optional<String> said = said(answers.get(i));
      if (said.isPresent()) {
        counts.merge(said.get(), 1, Integer::sum);
        firsts.putIfAbsent(said.get(), i);
      } else {
        silent++;
      }
    }
    int most = counts.values().stream().mapToInt(Integer::intValue).max().orElse(0);
    Optional<String> winner =
        counts.keySet().stream().filter(said -> counts.getOrDefault(said, 0) == most).findFirst();
    return new Result(
        winner, counts, silent, winner.map(said -> firsts.getOrDefault(said, 0)).orElse(0));
  }

  private Optional<String> said(String answer) {
    Matcher matcher = pattern.matcher(answer.substring(Math.max(0, answer.length() - MAX_TEXT)));
    if (!matcher.find()) {
      return Optional.empty();
    }
    String said = matcher.group(matcher.groupCount() > 0 ? 1 : 0);
    return Optional.ofNullable(said)
        .map(text -> text.strip())
        .map(text -> text.substring(0, Math.min(text.length(), MAX_VOTE)));
  }
}
