package dev.sluice.actors.scheduling;

import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.GenerationException.Kind;
import dev.sluice.stages.flow.TokenRequest;
import org.jspecify.annotations.Nullable;

/** Which requests can ever be served, and how much room one needs at worst. */
final class Admission {
  private Admission() {}

  /**
   * The length that the sequence may reach: prompt and all tokens asked for, or, for a request
   * without a limit, what context and KV cache hold.
   */
  static int maxLength(SchedulerLimits limits, TokenRequest request) {
    if (request.maxTokens() == TokenRequest.UNLIMITED) {
      // The last token is never fed, so that it needs no room in the cache.
      return (int) Math.min(limits.contextTokens(), limits.capacityTokens() + 1);
    }
    return (int) Math.min(Integer.MAX_VALUE, (long) request.promptLength() + request.maxTokens());
  }

  /** The positions that a sequence of that length needs room for in the KV cache. */
  static int positions(TokenRequest request, int maxLength) {
    return Math.max(request.promptLength(), maxLength - 1);
  }

  /** Why the request can never be served; null where it can. */
  static @Nullable GenerationException refusal(
      SchedulerLimits limits, TokenRequest request, Resume resume) {
    GenerationException refusal = refusal(limits, request);
    return refusal != null ? refusal : badResume(limits, request, resume);
  }

  /** Why a sequence that waits can not be served by a pipeline any more; null where it can. */
  static @Nullable GenerationException refusal(SchedulerLimits limits, Sequence sequence) {
    GenerationException refusal = refusal(limits, sequence.request);
    if (refusal == null && sequence.length() > sequence.maxLength()) {
      refusal = tooLarge(limits, limits.pages(sequence.length() - 1));
    }
    return refusal;
  }

  private static @Nullable GenerationException badResume(
      SchedulerLimits limits, TokenRequest request, Resume resume) {
    int[] generated = resume.generated();
    int most = Math.min(request.maxTokens(), maxLength(limits, request) - request.promptLength());
    if (generated.length > most) {
      return invalid(
          generated.length + " tokens were generated already, and the pipeline allows " + most);
    }
    for (int token : generated) {
      if (token < 0 || token >= limits.vocabularySize()) {
        return invalid(
            "token "
                + token
                + " was generated already; the vocabulary has "
                + limits.vocabularySize());
      }
    }
    int scores = request.scorePrompt() ? request.promptLength() : 0;
    if (resume.scored() < 0
        || resume.scored() > scores
        || (generated.length > 0 && resume.scored() < scores)) {
      return invalid(
          "%d of %d positions of the prompt were scored, and %d tokens generated"
              .formatted(resume.scored(), scores, generated.length));
    }
    return null;
  }

  private static @Nullable GenerationException refusal(
      SchedulerLimits limits, TokenRequest request) {
    int prompt = request.promptLength();
    int[] ids = request.prompt();
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] >= limits.vocabularySize()) {
        return invalid(
            "the prompt has token "
                + ids[i]
                + " at position "
                + i
                + "; the vocabulary has "
                + limits.vocabularySize());
      }
    }
    int context = limits.contextTokens();
    boolean generates = request.maxTokens() > 0;
    if (prompt + (generates ? 1 : 0) > context) {
      return invalid(
          "the prompt has "
              + prompt
              + " tokens, and the context holds "
              + context
              + (generates ? ", one of them at least for the answer" : "")
              + ": shorten the prompt or ask for a longer context");
    }
    int maxLength = maxLength(limits, request);
    if (maxLength > context) {
      return invalid(
          "the prompt has "
              + prompt
              + " tokens and "
              + request.maxTokens()
              + " more were asked for, but the context holds "
              + context
              + ": ask for at most "
              + (context - prompt)
              + ", or for a longer context");
    }
    int pages = limits.pages(positions(request, maxLength));
    return pages > limits.capacityPages() ? tooLarge(limits, pages) : null;
  }

  private static GenerationException tooLarge(SchedulerLimits limits, int pages) {
    return invalid(
        "the request needs room for "
            + (long) pages * limits.pageTokens()
            + " tokens in the KV cache, and it holds "
            + limits.capacityTokens()
            + ": shorten the prompt, ask for fewer tokens, or give the cache more");
  }

  private static GenerationException invalid(String message) {
    return new GenerationException(Kind.INVALID_REQUEST, message);
  }
}
