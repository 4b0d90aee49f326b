package dev.sluice.model.training.corpus;

import dev.sluice.model.training.corpus.Obstacle.Help;
import dev.sluice.model.training.corpus.Obstacle.HelperClass;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The grammar of the stories: the order of the sentences, their forms, and which values a slot may
 * take after what has been said. Writing takes one of them, judging tries them all. Immutable.
 */
final class Grammar {
  /**
   * One place in the order of the sentences.
   *
   * @param name what the sentence is about
   * @param forms its forms
   * @param total the weights of all forms
   */
  record Step(String name, List<Form> forms, int total) {}

  /**
   * A form of a sentence.
   *
   * @param template null is no sentence at all
   * @param weight how often it is written
   */
  record Form(@Nullable Template template, int weight) {}

  private static final Grammar SHIPPED = new Grammar(GrammarText.load());

  private final List<Step> steps;
  private final Map<Slot, List<String>> lists = new EnumMap<>(Slot.class);
  private final Map<String, HeroClass> classOfKind = new HashMap<>();
  private final Map<String, HeroClass> classOfName = new HashMap<>();
  private final Map<String, List<HeroClass>> classesOfHouse = new HashMap<>();
  private final List<String> kinds = new ArrayList<>();
  private final List<String> names = new ArrayList<>();
  private final List<String> peopleNames = new ArrayList<>();
  private final List<String> animalNames = new ArrayList<>();
  private final List<String> houses = new ArrayList<>();
  private final Map<HelperClass, List<String>> helperKinds = new EnumMap<>(HelperClass.class);
  private final Map<String, HelperClass> classOfHelper = new HashMap<>();
  private final List<String> spots = new ArrayList<>();
  private final Map<String, Obstacle> obstacleOfSpot = new HashMap<>();
  private final List<String> keepings;
  private final List<String> relativeKeepings;
  private final List<String> eventKeepings;
  private final Map<String, Template> templates = new HashMap<>();

  /** Who a hero can be, and with which pronouns. */
  private enum HeroClass {
    GIRL(true),
    BOY(false),
    SHE_ANIMAL(true),
    HE_ANIMAL(false);

    final boolean female;

    HeroClass(boolean female) {
      this.female = female;
    }

    boolean animal() {
      return this == SHE_ANIMAL || this == HE_ANIMAL;
    }
  }

  private Grammar(GrammarText text) {
    for (Slot slot : Slot.values()) {
      String list = slot.list();
      if (list != null) {
        lists.put(slot, text.list(list));
      }
    }
    readHeroes(text);
    readObstacles(text);
    keepings = text.list("keepings");
    relativeKeepings = text.list("relative keepings");
    eventKeepings = text.list("event keepings");
    steps = text.names("sentence").stream().map(name -> step(text, name)).toList();
    for (List<String> values : allValues()) {
      values.forEach(value -> templates.computeIfAbsent(value, Template::parse));
    }
  }

  private void readHeroes(GrammarText text) {
    text.list("girl kinds").forEach(kind -> classOfKind.put(kind, HeroClass.GIRL));
    text.list("boy kinds").forEach(kind -> classOfKind.put(kind, HeroClass.BOY));
    // an animal may be a she: only the name tells
    text.list("animal kinds").forEach(kind -> classOfKind.put(kind, HeroClass.HE_ANIMAL));
    kinds.addAll(text.list("girl kinds"));
    kinds.addAll(text.list("boy kinds"));
    kinds.addAll(text.list("animal kinds"));
    name(text.list("girl names"), HeroClass.GIRL, peopleNames);
    name(text.list("boy names"), HeroClass.BOY, peopleNames);
    name(text.list("she animal names"), HeroClass.SHE_ANIMAL, animalNames);
    name(text.list("he animal names"), HeroClass.HE_ANIMAL, animalNames);
    names.addAll(peopleNames);
    names.addAll(animalNames);
    for (String house : text.list("person houses")) {
      houses.add(house);
      classesOfHouse.put(house, List.of(HeroClass.GIRL, HeroClass.BOY));
    }
    for (String house : text.list("animal houses")) {
      houses.add(house);
      classesOfHouse.put(house, List.of(HeroClass.SHE_ANIMAL, HeroClass.HE_ANIMAL));
    }
  }

  private void name(List<String> given, HeroClass heroes, List<String> where) {
    for (String name : given) {
      if (classOfName.put(name, heroes) != null) {
        throw new IllegalArgumentException("a name for two: " + name);
      }
      where.add(name);
    }
  }

  private void readObstacles(GrammarText text) {
    for (HelperClass helper : HelperClass.values()) {
      List<String> list = text.list(helper.name().toLowerCase(Locale.ROOT) + " helpers");
      helperKinds.put(helper, list);
      list.forEach(kind -> classOfHelper.put(kind, helper));
    }
    for (String name : text.names("obstacle")) {
      Obstacle obstacle = Obstacle.parse(name, text.lines("obstacle", name));
      spots.addAll(obstacle.spots());
      for (String spot : obstacle.spots()) {
        if (obstacleOfSpot.put(spot, obstacle) != null) {
          throw new IllegalArgumentException("a spot of two obstacles: " + spot);
        }
      }
    }
  }

  private static Step step(GrammarText text, String name) {
    List<Form> forms = new ArrayList<>();
    int total = 0;
    for (String line : text.lines("sentence", name)) {
      int colon = line.indexOf(':');
      int weight = Integer.parseInt(line.substring(0, colon));
      String form = line.substring(colon + 1).strip();
      forms.add(new Form(form.equals("-") ? null : Template.parse(form), weight));
      total += weight;
    }
    return new Step(name, List.copyOf(forms), total);
  }

  private List<List<String>> allValues() {
    List<List<String>> all = new ArrayList<>(lists.values());
    all.addAll(List.of(kinds, names, houses, spots, keepings, relativeKeepings, eventKeepings));
    all.addAll(helperKinds.values());
    for (Obstacle obstacle : obstacleOfSpot.values()) {
      all.add(obstacle.reasons());
      all.add(obstacle.tries());
      for (List<Help> helps : obstacle.helps().values()) {
        all.add(helps.stream().map(Help::deed).toList());
        all.add(helps.stream().map(Help::result).toList());
      }
    }
    return all;
  }

  /** The grammar that comes with the program. */
  static Grammar shipped() {
    return SHIPPED;
  }

  List<Step> steps() {
    return steps;
  }

  /** A value of a slot as a template: values may have holes of their own. */
  Template template(String value) {
    return Objects.requireNonNull(templates.get(value), value);
  }

  /** Whether the hero, who has been named, is a she. */
  boolean female(Facts facts) {
    return heroClass(facts.need(Slot.HERO)).female;
  }

  /** Whether this is the name of a she. */
  boolean female(String name) {
    return heroClass(name).female;
  }

  private HeroClass heroClass(String name) {
    return Objects.requireNonNull(classOfName.get(name), name);
  }

  /** The values that a slot may take after what has been said; empty where none fits. */
  List<String> domain(Slot slot, Facts facts) {
    return switch (slot) {
      case KIND -> filter(kinds, kind -> heroFits(facts, kind, null, null));
      case HERO -> filter(names, name -> heroFits(facts, null, name, null));
      case HOUSE -> filter(houses, house -> heroFits(facts, null, null, house));
      case SPOT -> spots;
      case REASON -> obstacle(facts).reasons();
      case TRY -> obstacle(facts).tries();
      case HELPER_KIND -> helperKinds(facts);
      case HELPER ->
          filter(
              classOfHelper.get(facts.need(Slot.HELPER_KIND)) == HelperClass.PERSON
                  ? peopleNames
                  : animalNames,
              name -> !name.equals(facts.get(Slot.HERO)));
      case HELP -> helps(facts).stream().map(Help::deed).toList();
      case RESULT ->
          helps(facts).stream()
              .filter(help -> help.deed().equals(facts.get(Slot.HELP)))
              .map(Help::result)
              .toList();
      case KEEPING ->
          facts.has(Slot.RELATIVE)
              ? relativeKeepings
              : facts.has(Slot.EVENT) ? eventKeepings : keepings;
      default -> Objects.requireNonNull(lists.get(slot), slot.name());
    };
  }

  private Obstacle obstacle(Facts facts) {
    return Objects.requireNonNull(obstacleOfSpot.get(facts.need(Slot.SPOT)));
  }

  private List<Help> helps(Facts facts) {
    HelperClass helper = Objects.requireNonNull(classOfHelper.get(facts.need(Slot.HELPER_KIND)));
    return obstacle(facts).helps().getOrDefault(helper, List.of());
  }

  private List<String> helperKinds(Facts facts) {
    List<String> able = new ArrayList<>();
    for (HelperClass helper : obstacle(facts).helps().keySet()) {
      able.addAll(Objects.requireNonNull(helperKinds.get(helper)));
    }
    return able;
  }

  private static List<String> filter(List<String> values, Predicate<String> fits) {
    return values.stream().filter(fits).toList();
  }

  /** Whether kind, name and house, those given and those said before, go together. */
  private boolean heroFits(
      Facts facts, @Nullable String kind, @Nullable String name, @Nullable String house) {
    String said = kind == null ? facts.get(Slot.KIND) : kind;
    String named = name == null ? facts.get(Slot.HERO) : name;
    String housed = house == null ? facts.get(Slot.HOUSE) : house;
    HeroClass byKind = said == null ? null : classOfKind.get(said);
    HeroClass byName = named == null ? null : classOfName.get(named);
    List<HeroClass> byHouse = housed == null ? null : classesOfHouse.get(housed);
    if (byKind != null && byName != null && byKind != byName) {
      if (!(byKind.animal() && byName.animal())) {
        return false;
      }
    }
    HeroClass either = byName == null ? byKind : byName;
    return either == null || byHouse == null || byHouse.contains(either);
  }
}
