package dev.sluice.actors.simulation;

import dev.sluice.actors.scheduling.GenerationId;
import dev.sluice.actors.scheduling.HeadProtocol;
import dev.sluice.stages.flow.GenerationException;
import dev.sluice.stages.flow.TokenEvent;

/**
 * Brings what a head answers to the consumers of one gateway.
 *
 * @param from the head's machine
 */
record SimReplies<H>(SimNetwork network, String from, String gateway)
    implements HeadProtocol.Replies<SimConsumer<H>> {
  @Override
  public void event(SimConsumer<H> consumer, GenerationId id, int index, TokenEvent event) {
    network.send(from, gateway, () -> consumer.tracker().onEvent(id, index, event));
  }

  @Override
  public void failed(SimConsumer<H> consumer, GenerationId id, GenerationException reason) {
    network.send(from, gateway, () -> consumer.tracker().onFailed(id, reason));
  }

  @Override
  public void unknown(SimConsumer<H> consumer, GenerationId id) {
    network.send(from, gateway, () -> consumer.tracker().onUnknown(id));
  }

  @Override
  public void delivered(SimConsumer<H> consumer, GenerationId id, int count) {
    network.send(from, gateway, () -> consumer.tracker().onDelivered(id, count));
  }
}
