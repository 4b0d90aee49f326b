package dev.sluice.ops.load;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.ops.Json;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;

/** What a load came to. */
public final class LoadReport {
  private static final double[] QUANTILES = {0.5, 0.9, 0.99};

  private final LoadPlan plan;
  private final List<Request> requests;
  private final int unbegun;
  private final Duration time;
  private final long[] first;
  private final long[] gaps;

  /**
   * A request that has ended.
   *
   * @param same whether its text was that of the request asked alone
   */
  record Request(LoadClient.Outcome outcome, boolean same) {}

  LoadReport(LoadPlan plan, List<Request> requests, int unbegun, Duration time) {
    this.plan = plan;
    this.requests = List.copyOf(requests);
    this.unbegun = unbegun;
    this.time = time;
    first =
        requests.stream()
            .map(Request::outcome)
            .filter(LoadClient.Outcome::complete)
            .mapToLong(LoadClient.Outcome::firstNanos)
            .sorted()
            .toArray();
    gaps =
        requests.stream()
            .map(Request::outcome)
            .filter(LoadClient.Outcome::complete)
            .flatMapToLong(outcome -> outcome.gaps().stream().mapToLong(Long::longValue))
            .sorted()
            .toArray();
  }

  private long count(Predicate<Request> which) {
    return requests.stream().filter(which).count();
  }

  /** Requests that were answered to the end. */
  public long complete() {
    return count(request -> request.outcome().complete());
  }

  /** Answers that were not those of the same request asked alone. */
  public long differing() {
    return count(request -> request.outcome().complete() && !request.same());
  }

  /** Requests that the server refused because it had too much to do. */
  public long refused() {
    return count(request -> request.outcome().status() == 429);
  }

  /** Requests that were lost: neither refused nor answered to the end. */
  public long lost() {
    return requests.size() - complete() - refused();
  }

  private boolean good(Request request) {
    return request.outcome().complete()
        && request.outcome().firstNanos() <= plan.firstWithin().toNanos()
        && request.outcome().meanGapNanos() <= plan.betweenWithin().toNanos();
  }

  private double perSecond(long count) {
    return (double) count / Math.max(1e-9, time.toNanos() / 1e9);
  }

  private double tokensPerSecond() {
    return perSecond(requests.stream().mapToLong(request -> request.outcome().tokens()).sum());
  }

  /** The smallest value that a share of all are not above; NaN of none. */
  static double quantile(long[] sorted, double share) {
    return sorted.length == 0
        ? Double.NaN
        : sorted[Math.min(sorted.length - 1, (int) Math.ceil(share * sorted.length) - 1)] / 1e6;
  }

  /** The fields of one object. */
  public void write(JsonGenerator json) throws IOException {
    json.writeNumberField("clients", plan.concurrent());
    json.writeNumberField("requests_per_s", plan.concurrent() > 0 ? 0 : plan.perSecond());
    json.writeNumberField("seconds", time.toMillis() / 1e3);
    json.writeNumberField("requests", requests.size());
    json.writeNumberField("complete", complete());
    json.writeNumberField("refused", refused());
    json.writeNumberField("lost", lost());
    json.writeNumberField("not_begun", unbegun);
    json.writeNumberField("differing", differing());
    json.writeNumberField("tokens_per_s", tokensPerSecond());
    json.writeNumberField("good_requests_per_s", perSecond(count(this::good)));
    write(json, "first_token_ms", first);
    write(json, "between_tokens_ms", gaps);
  }

  private static void write(JsonGenerator json, String name, long[] sorted) throws IOException {
    json.writeObjectFieldStart(name);
    for (double share : QUANTILES) {
      Json.number(json, "p" + Math.round(100 * share), quantile(sorted, share));
    }
    json.writeEndObject();
  }

  /** Lines for people. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        """
        requests        %d in %.1f s: %d answered, %d refused, %d lost, %d not begun
        equal           %d of %d answers are those of the same request asked alone
        tokens/s        %.1f
        good requests   %.2f a second (first token within %d ms, others within %d ms on average)
        first token     %s
        between tokens  %s
        """,
        requests.size(),
        time.toMillis() / 1e3,
        complete(),
        refused(),
        lost(),
        unbegun,
        complete() - differing(),
        complete(),
        tokensPerSecond(),
        perSecond(count(this::good)),
        plan.firstWithin().toMillis(),
        plan.betweenWithin().toMillis(),
        quantiles(first),
        quantiles(gaps));
  }

  private static String quantiles(long[] sorted) {
    return String.format(
        Locale.ROOT,
        "p50 %.1f ms, p90 %.1f ms, p99 %.1f ms",
        quantile(sorted, 0.5),
        quantile(sorted, 0.9),
        quantile(sorted, 0.99));
  }
}
