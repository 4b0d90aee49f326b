package dev.sluice.stages.tokenizer;

import net.jqwik.api.lifecycle.LifecycleContext;
import net.jqwik.api.lifecycle.SkipExecutionHook;
import org.opentest4j.TestAbortedException;

/** Skips a property where the vocabularies are absent: to jqwik an assumption only ends one try. */
final class NeedsVocabularies implements SkipExecutionHook {
  @Override
  public SkipResult shouldBeSkipped(LifecycleContext context) {
    try {
      VocabularyFixtures.file("gpt-2");
      return SkipResult.doNotSkip();
    } catch (TestAbortedException absent) {
      return SkipResult.skip(absent.getMessage());
    }
  }
}
