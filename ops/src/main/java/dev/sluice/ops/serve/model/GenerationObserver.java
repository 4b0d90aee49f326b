package dev.sluice.ops.serve.model;

import dev.sluice.ops.serve.http.Call;
import dev.sluice.stages.flow.TextEvent;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Is told of every call that asks the model for something. For any thread. */
public interface GenerationObserver {
  /** A watch over a call that is about to begin. */
  GenerationWatch watch(Call call, ServedModel model, Batch batch);

  /** Several as one, told in this order. */
  static GenerationObserver all(List<GenerationObserver> observers) {
    return (call, model, batch) ->
        new Several(observers.stream().map(o -> o.watch(call, model, batch)).toList());
  }

  /** Watches as one. */
  record Several(List<GenerationWatch> watches) implements GenerationWatch {
    public Several {
      watches = List.copyOf(watches);
    }

    @Override
    public void admitted(Duration waited) {
      watches.forEach(watch -> watch.admitted(waited));
    }

    @Override
    public void event(int choice, TextEvent event) {
      watches.forEach(watch -> watch.event(choice, event));
    }

    @Override
    public void ended(@Nullable Throwable failure) {
      watches.forEach(watch -> watch.ended(failure));
    }
  }
}
