package dev.sluice.ops.serve.http;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A request that is refused or has failed, as the client is told: a status, and what OpenAI's error
 * objects hold. Has no stack trace, since it is an answer and no surprise.
 */
public final class ApiException extends RuntimeException {
  private final int status;
  private final String type;
  private final @Nullable String param;
  private final @Nullable String code;
  private final @Nullable Duration retryAfter;

  private ApiException(
      int status,
      String type,
      @Nullable String param,
      @Nullable String code,
      String message,
      @Nullable Duration retryAfter) {
    super(message, null, false, false);
    this.status = status;
    this.type = type;
    this.param = param;
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /** 400: the request can not be served as it stands. */
  public static ApiException invalid(@Nullable String param, String message) {
    return invalid(param, "invalid_value", message);
  }

  /** 400, with a code that programs can tell it by. */
  public static ApiException invalid(@Nullable String param, String code, String message) {
    return new ApiException(400, "invalid_request_error", param, code, message, null);
  }

  /** 400: a parameter, or a value of it, that is not supported here. */
  public static ApiException unsupported(String param, String message) {
    return invalid(param, "unsupported_parameter", message);
  }

  /** Another status that is the client's to mend. */
  public static ApiException refused(int status, String code, String message) {
    String type =
        switch (status) {
          case 401 -> "authentication_error";
          case 403 -> "permission_error";
          case 404 -> "not_found_error";
          default -> "invalid_request_error";
        };
    return new ApiException(status, type, null, code, message, null);
  }

  /** 404: another model than the one that is served. */
  public static ApiException unknownModel(String message) {
    return new ApiException(
        404, "invalid_request_error", "model", "model_not_found", message, null);
  }

  /** 429: too much at once, or too much in a minute. */
  public static ApiException tooMany(String code, String message, Duration retryAfter) {
    return new ApiException(429, "rate_limit_error", null, code, message, retryAfter);
  }

  /** 503: not now. */
  public static ApiException unavailable(String code, String message, Duration retryAfter) {
    return new ApiException(503, "server_error", null, code, message, retryAfter);
  }

  /** 504: not within the time that the request had. */
  public static ApiException late(String message) {
    return new ApiException(504, "timeout_error", null, "deadline_exceeded", message, null);
  }

  /** 500: it failed, and not by the request's fault. */
  public static ApiException failed(String message) {
    return new ApiException(500, "server_error", null, "internal_error", message, null);
  }

  public int status() {
    return status;
  }

  public String type() {
    return type;
  }

  /** The field that is meant; null where it is none. */
  public @Nullable String param() {
    return param;
  }

  public @Nullable String code() {
    return code;
  }

  /** The message; never null. */
  public String text() {
    String message = getMessage();
    return message == null ? type : message;
  }

  /** When it is worth while to try again. */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }
}
