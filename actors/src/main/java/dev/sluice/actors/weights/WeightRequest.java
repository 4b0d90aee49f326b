package dev.sluice.actors.weights;

import akka.actor.typed.ActorRef;
import dev.sluice.actors.WireMessage;
import dev.sluice.model.store.ContentId;

/** What one node asks another that may have a model. Each is answered once, or lost. */
public sealed interface WeightRequest extends WireMessage, WeightServer.Command {
  /** The longest piece: short enough that other messages do not wait behind it. */
  int MAX_PIECE_BYTES = 128 << 10;

  /** What have you of that model? Answered by {@link WeightAnswer.Inventory}. */
  record Look(ContentId id, ActorRef<WeightAnswer> replyTo) implements WeightRequest {}

  /**
   * A piece, please. Answered by {@link WeightAnswer.Piece} or {@link WeightAnswer.Refused}.
   *
   * @param request chosen by who asks, and repeated in the answer
   * @param chunk of the model, or {@link ChunkFetch#MANIFEST} for its manifest
   * @param offset from the chunk's start
   * @param length at most {@link #MAX_PIECE_BYTES}
   */
  record AskPiece(
      ContentId id, long request, int chunk, int offset, int length, ActorRef<WeightAnswer> replyTo)
      implements WeightRequest {}
}
