package dev.sluice.ops.serve.model;

import dev.sluice.ops.serve.http.ApiException;
import dev.sluice.ops.serve.http.Call;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The way of requests to the model. For any thread. */
public final class Generations {
  private static final Duration LOADING = Duration.ofSeconds(5);

  private final Admission admission;
  private final GenerationObserver observer;
  private volatile @Nullable ServedModel model;

  /**
   * Without a model as yet.
   *
   * @param observer is told of every call
   */
  public Generations(Admission admission, GenerationObserver observer) {
    this.admission = admission;
    this.observer = observer;
  }

  /** The model is there. */
  public void serve(ServedModel loaded) {
    model = loaded;
  }

  /**
   * The model.
   *
   * @throws ApiException while it is not loaded
   */
  public ServedModel model() {
    ServedModel loaded = model;
    if (loaded == null) {
      throw ApiException.unavailable("loading", "the model is being loaded", LOADING);
    }
    return loaded;
  }

  /** The model, if it is loaded. */
  public Optional<ServedModel> loaded() {
    return Optional.ofNullable(model);
  }

  public Admission admission() {
    return admission;
  }

  /**
   * Begins the answers to a call. They end with the caller's connection, unless they outlive it.
   *
   * @throws ApiException where there is too much to do
   */
  public Generation begin(Call call, Batch batch) {
    ServedModel served = model();
    Admission.Ticket ticket =
        admission.enter(call.caller(), batch.requests().size(), batch.priority());
    Generation generation =
        Generation.begin(served, ticket, batch, observer.watch(call, served, batch));
    if (!batch.outlives()) {
      call.gone().thenRun(generation::cancel);
    }
    return generation;
  }
}
