package dev.sluice.actors.weights;

import akka.actor.typed.ActorRef;
import dev.sluice.actors.WireMessage;
import dev.sluice.model.store.ContentId;

/** What a node that serves models answers. Nothing in it is believed before its hash was seen. */
public sealed interface WeightAnswer extends WireMessage {
  /** Why a piece does not come. */
  enum Reason {
    /** It has not, or no longer, that chunk. */
    NOT_HERE,
    /** It could not read it. */
    FAILED
  }

  /**
   * What it has of a model.
   *
   * @param manifestBytes length of the encoded manifest; 0 if it has nothing of the model
   * @param chunks which chunks, as {@link java.util.BitSet#toByteArray}
   */
  @SuppressWarnings("ArrayRecordComponent") // handed over once, from one owner to the next
  record Inventory(ContentId id, ActorRef<WeightRequest> source, int manifestBytes, byte[] chunks)
      implements WeightAnswer {}

  /** The bytes that were asked for. */
  @SuppressWarnings("ArrayRecordComponent") // handed over once, from one owner to the next
  record Piece(long request, byte[] bytes) implements WeightAnswer {}

  /** No bytes. */
  record Refused(long request, Reason reason) implements WeightAnswer {}
}
