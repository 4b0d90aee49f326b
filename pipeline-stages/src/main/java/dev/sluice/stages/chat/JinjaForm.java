package dev.sluice.stages.chat;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.interpret.TemplateError.ErrorType;
import com.hubspot.jinjava.loader.ResourceNotFoundException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A model's own template, rendered by Jinjava. */
final class JinjaForm implements ChatTemplate.Form {
  // A conversation is at most a model's context: some hundred thousand tokens of a few characters.
  private static final int MAX_OUTPUT = 1 << 24;
  private static final int MAX_ELEMENTS = 1 << 16;
  private static final int MAX_STEPS = 1 << 16;
  private static final int MAX_RANGE = 1 << 12;
  private static final int MAX_DEPTH = 40;

  private final TemplateSource source;
  private final String bos;
  private final String eos;

  private JinjaForm(TemplateSource source, String bos, String eos) {
    this.source = source;
    this.bos = bos;
    this.eos = eos;
  }

  /**
   * A template as the model file has it.
   *
   * @throws ChatTemplateException where its tags are not closed
   */
  static JinjaForm of(String template, String bos, String eos) {
    return new JinjaForm(TemplateSource.of(template), bos, eos);
  }

  /** Jinjava takes a while to set up, so only those who chat wait for it. */
  private static final class Engine {
    static final Jinjava JINJAVA = create();

    private static Jinjava create() {
      JinjavaConfig config =
          JinjavaConfig.newBuilder()
              .withElResolver(new PythonResolver())
              .withLegacyOverrides(LegacyOverrides.ALL)
              // What users write must not be read as a template.
              .withNestedInterpretationEnabled(false)
              .withKeepTrailingNewline(true)
              .withMaxOutputSize(MAX_OUTPUT)
              .withMaxStringLength(MAX_OUTPUT)
              .withMaxListSize(MAX_ELEMENTS)
              .withMaxMapSize(MAX_ELEMENTS)
              .withRangeLimit(MAX_RANGE)
              .withMaxRenderDepth(MAX_DEPTH)
              .withMaxMacroRecursionDepth(MAX_DEPTH)
              .withDisabled(
                  Map.of(Context.Library.TAG, Set.of("include", "import", "from", "extends")))
              .build();
      Jinjava jinjava = new Jinjava(config);
      jinjava.setResourceLocator(
          (name, encoding, interpreter) -> {
            throw new ResourceNotFoundException("a chat template reads no other: " + name);
          });
      jinjava.registerFilter(new ToJsonFilter());
      return jinjava;
    }
  }

  @Override
  public String render(
      List<ChatMessage> messages, boolean addGenerationPrompt, Map<String, Object> variables) {
    Map<String, Object> bindings = new HashMap<>(variables);
    List<Object> said = new ArrayList<>();
    for (ChatMessage message : messages) {
      Map<String, Object> fields = new LinkedHashMap<>(message.more());
      fields.put("role", message.role());
      fields.put("content", message.content());
      said.add(fields);
    }
    bindings.put("messages", said);
    bindings.put("add_generation_prompt", addGenerationPrompt);
    bindings.put("bos_token", bos);
    bindings.put("eos_token", eos);
    bindings.put(TemplateSource.TEXTS, source.texts());
    bindings.put(TemplateSource.RENDERING, new Rendering(MAX_STEPS, MAX_OUTPUT));
    RenderResult result;
    try {
      result = Engine.JINJAVA.renderForResult(source.jinjava(), bindings);
    } catch (Rendering.Ended e) {
      throw new ChatTemplateException(ChatTemplate.KEY + ": " + e.reason(), e);
    }
    for (TemplateError error : result.getErrors()) {
      if (error.getSeverity() == ErrorType.FATAL) {
        throw failure(error);
      }
    }
    return result.getOutput();
  }

  private static ChatTemplateException failure(TemplateError error) {
    for (Throwable at = error.getException(); at != null; at = at.getCause()) {
      if (at instanceof ChatTemplateException own) {
        return new ChatTemplateException(ChatTemplate.KEY + ": " + own.problem(), own);
      }
    }
    return new ChatTemplateException(
        ChatTemplate.KEY + ": " + error.getMessage(), error.getException());
  }
}
