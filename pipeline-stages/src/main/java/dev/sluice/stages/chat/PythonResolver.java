package dev.sluice.stages.chat;

import com.hubspot.jinjava.el.ext.NamedParameter;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.exptest.ExpTest;
import com.hubspot.jinjava.lib.filter.Filter;
import com.hubspot.jinjava.objects.SafeString;
import com.hubspot.jinjava.objects.collections.PyList;
import com.hubspot.jinjava.util.ForLoop;
import java.beans.FeatureDescriptor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import jinjava.javax.el.ELContext;
import jinjava.javax.el.ELResolver;
import org.jspecify.annotations.Nullable;

/**
 * What a template can ask of a value: the properties and methods of Python's strings, lists and
 * dictionaries that templates use, and of Jinja's loop. Nothing else: no Java class is reachable,
 * since there is no resolver behind this one that reflects.
 */
final class PythonResolver extends ELResolver {

  /** Jinjava's filters that templates get: none that makes long text of a short argument. */
  private static final Set<String> FILTERS =
      Set.of(
          "abs",
          "capitalize",
          "count",
          "d",
          "default",
          "dictsort",
          "e",
          "escape",
          "first",
          "float",
          "groupby",
          "int",
          "items",
          "join",
          "last",
          "length",
          "list",
          "lower",
          "map",
          "max",
          "min",
          "reject",
          "rejectattr",
          "replace",
          "reverse",
          "round",
          "safe",
          "select",
          "selectattr",
          "sort",
          "string",
          "striptags",
          "sum",
          "title",
          "tojson",
          "trim",
          "unique",
          "upper");

  @Override
  public @Nullable Object getValue(
      ELContext context, @Nullable Object base, @Nullable Object property) {
    if (base == null) {
      return null;
    }
    context.setPropertyResolved(true);
    return switch (base) {
      case Map<?, ?> map ->
          map.get(property instanceof SafeString ? property.toString() : property);
      case List<?> list ->
          at(list.size(), property) < 0 ? null : list.get(at(list.size(), property));
      case String text -> character(text, property);
      case SafeString text -> character(text.getValue(), property);
      case ForLoop loop -> loop(loop, String.valueOf(property));
      // So that "is defined" holds for the functions.
      case Rendering rendering -> true;
      default -> null;
    };
  }

  private static @Nullable String character(String text, @Nullable Object property) {
    int at = at(text.length(), property);
    return at < 0 ? null : text.substring(at, at + 1);
  }

  /** The index that a number stands for, negative ones from the end; or -1. */
  private static int at(int size, @Nullable Object property) {
    long index;
    if (property instanceof Number number) {
      index = number.longValue();
    } else {
      try {
        index = Long.parseLong(String.valueOf(property));
      } catch (NumberFormatException e) {
        return -1;
      }
    }
    long from = index < 0 ? index + size : index;
    return from >= 0 && from < size ? (int) from : -1;
  }

  private static @Nullable Object loop(ForLoop loop, String property) {
    return switch (property) {
      case "index" -> loop.getIndex();
      case "index0" -> loop.getIndex0();
      case "revindex" -> loop.getLength() - loop.getIndex0();
      case "revindex0" -> loop.getLength() - loop.getIndex0() - 1;
      case "first" -> loop.isFirst();
      case "last" -> loop.isLast();
      case "length" -> loop.getLength();
      case "depth" -> loop.getDepth();
      case "depth0" -> loop.getDepth0();
      default -> null;
    };
  }

  @Override
  public @Nullable Object invoke(
      ELContext context,
      @Nullable Object base,
      Object method,
      Class<?> @Nullable [] types,
      @Nullable Object @Nullable [] given) {
    if (base == null) {
      throw new ChatTemplateException(method + "() of an undefined value");
    }
    context.setPropertyResolved(true);
    List<@Nullable Object> arguments = new ArrayList<>();
    for (Object argument : given == null ? new Object[0] : given) {
      Object value = argument instanceof NamedParameter parameter ? parameter.getValue() : argument;
      value = value instanceof SafeString safe ? safe.getValue() : value;
      arguments.add(value);
    }
    String name = method.toString();
    return switch (base) {
      case String text -> text(text, name, arguments);
      case SafeString text -> text(text.getValue(), name, arguments);
      case Map<?, ?> map -> map(map, name, arguments);
      case List<?> list -> list(list, name, arguments);
      case Filter filter when FILTERS.contains(filter.getName()) ->
          filter.filter(
              arguments.get(0), interpreter(arguments), rest(arguments), named(arguments));
      case Filter filter ->
          throw new ChatTemplateException(
              "it asks for the filter " + filter.getName() + ", which chat templates do not get");
      case ExpTest test when name.equals("evaluate") ->
          test.evaluate(arguments.get(0), interpreter(arguments), rest(arguments));
      case ExpTest test when name.equals("evaluateNegated") ->
          test.evaluateNegated(arguments.get(0), interpreter(arguments), rest(arguments));
      case Rendering rendering -> rendering.call(name, arguments);
      default -> throw unknown(name, base);
    };
  }

  // Jinjava calls its filters and tests as methods: of a value, itself, and their arguments.

  private static JinjavaInterpreter interpreter(List<@Nullable Object> arguments) {
    return (JinjavaInterpreter) Objects.requireNonNull(arguments.get(1));
  }

  private static @Nullable Object[] rest(List<@Nullable Object> arguments) {
    return arguments.size() == 2
        ? new Object[0]
        : arguments.get(2) instanceof Object[] several
            ? several
            : arguments.subList(2, arguments.size()).toArray();
  }

  @SuppressWarnings("unchecked") // Jinjava's map of named arguments
  private static Map<String, Object> named(List<@Nullable Object> arguments) {
    return arguments.size() > 3 && arguments.get(3) instanceof Map<?, ?> named
        ? (Map<String, Object>) named
        : Map.of();
  }

  private static Object text(String text, String name, List<@Nullable Object> arguments) {
    String first = arguments.isEmpty() || arguments.get(0) == null ? null : string(arguments, 0);
    return switch (name) {
      case "strip" -> PythonStrings.strip(text, first, true, true);
      case "lstrip" -> PythonStrings.strip(text, first, true, false);
      case "rstrip" -> PythonStrings.strip(text, first, false, true);
      case "startswith" -> affixes(arguments).stream().anyMatch(text::startsWith);
      case "endswith" -> affixes(arguments).stream().anyMatch(text::endsWith);
      case "split" -> new PyList(PythonStrings.split(text, first, number(arguments, 1, -1)));
      case "rsplit" ->
          new PyList(PythonStrings.rsplit(text, string(arguments, 0), number(arguments, 1, -1)));
      case "splitlines" -> new PyList(new ArrayList<>(text.lines().toList()));
      case "upper" -> text.toUpperCase(Locale.ROOT);
      case "lower" -> text.toLowerCase(Locale.ROOT);
      case "title" -> PythonStrings.title(text);
      case "capitalize" -> PythonStrings.capitalize(text);
      case "replace" -> text.replace(string(arguments, 0), string(arguments, 1));
      case "find" -> (long) text.indexOf(string(arguments, 0));
      case "rfind" -> (long) text.lastIndexOf(string(arguments, 0));
      case "count" -> PythonStrings.count(text, string(arguments, 0));
      case "removeprefix" ->
          text.startsWith(string(arguments, 0))
              ? text.substring(string(arguments, 0).length())
              : text;
      case "removesuffix" ->
          text.endsWith(string(arguments, 0))
              ? text.substring(0, text.length() - string(arguments, 0).length())
              : text;
      case "isdigit" -> !text.isEmpty() && text.chars().allMatch(Character::isDigit);
      case "join" -> join(text, arguments);
      case TemplateSource.REVERSED -> new StringBuilder(text).reverse().toString();
      default -> throw unknown(name, text);
    };
  }

  private static @Nullable Object map(
      Map<?, ?> map, String name, List<@Nullable Object> arguments) {
    return switch (name) {
      case "get" -> {
        Object value = map.get(string(arguments, 0));
        yield value == null && arguments.size() > 1 ? arguments.get(1) : value;
      }
      case "items" -> new PyList(new ArrayList<>(map.entrySet()));
      case "keys" -> new PyList(new ArrayList<>(map.keySet()));
      case "values" -> new PyList(new ArrayList<>(map.values()));
      default -> throw unknown(name, map);
    };
  }

  @SuppressWarnings("unchecked") // a template's lists hold anything
  private static @Nullable Object list(
      List<?> list, String name, List<@Nullable Object> arguments) {
    return switch (name) {
      case "append" -> {
        ((List<@Nullable Object>) list).add(arguments.isEmpty() ? null : arguments.get(0));
        yield true;
      }
      case "index" -> (long) list.indexOf(arguments.get(0));
      case "count" -> (long) Collections.frequency(list, arguments.get(0));
      case "pop" -> list.isEmpty() ? null : list.removeLast();
      case TemplateSource.REVERSED -> {
        List<Object> reversed = new ArrayList<>(list);
        Collections.reverse(reversed);
        yield new PyList(reversed);
      }
      default -> throw unknown(name, list);
    };
  }

  private static String join(String separator, List<@Nullable Object> arguments) {
    if (arguments.isEmpty() || !(arguments.get(0) instanceof List<?> parts)) {
      throw new ChatTemplateException("join() wants a list");
    }
    return String.join(separator, parts.stream().map(String::valueOf).toList());
  }

  /** The one string, or the several of a list, that a text may begin or end with. */
  private static List<String> affixes(List<@Nullable Object> arguments) {
    return !arguments.isEmpty() && arguments.get(0) instanceof List<?> several
        ? several.stream().map(String::valueOf).toList()
        : List.of(string(arguments, 0));
  }

  private static String string(List<@Nullable Object> arguments, int index) {
    if (index >= arguments.size()) {
      throw new ChatTemplateException("a method of strings wants " + (index + 1) + " arguments");
    }
    return Objects.toString(arguments.get(index), "");
  }

  private static int number(List<@Nullable Object> arguments, int index, int otherwise) {
    return index < arguments.size() && arguments.get(index) instanceof Number number
        ? number.intValue()
        : otherwise;
  }

  private static ChatTemplateException unknown(String name, Object base) {
    String kind = base instanceof String ? "str" : base instanceof Map ? "dict" : "list";
    return new ChatTemplateException("it asks for the unknown method " + name + "() of a " + kind);
  }

  @Override
  public Class<?> getType(ELContext context, @Nullable Object base, @Nullable Object property) {
    return Object.class;
  }

  @Override
  public void setValue(
      ELContext context, @Nullable Object base, @Nullable Object property, @Nullable Object value) {
    throw new ChatTemplateException("it sets " + property + " of a value that is not a namespace");
  }

  @Override
  public boolean isReadOnly(ELContext context, @Nullable Object base, @Nullable Object property) {
    return true;
  }

  @Override
  public Iterator<FeatureDescriptor> getFeatureDescriptors(
      ELContext context, @Nullable Object base) {
    return Collections.emptyIterator();
  }

  @Override
  public Class<?> getCommonPropertyType(ELContext context, @Nullable Object base) {
    return Object.class;
  }
}
