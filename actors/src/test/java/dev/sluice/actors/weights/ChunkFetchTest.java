package dev.sluice.actors.weights;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** Seeded histories of fetches from sources that lose, spoil, refuse, and die. */
final class ChunkFetchTest {
  @Property(tries = 400)
  void shouldGetEveryChunkWhereOneHonestSourceLives(@ForAll long seed) {
    SimulatedSources world = new SimulatedSources(seed);
    world.addHonest(world.random().nextDouble() * 0.3);
    int others = world.random().nextInt(5);
    for (int i = 0; i < others; i++) {
      world.addBad();
    }
    world.run();
    assertThat(world.failure()).as("seed %d", seed).isNull();
    world.checkAllThere();
  }

  @Property(tries = 200)
  void shouldEndInBoundedTimeWhateverTheSourcesDo(@ForAll long seed) {
    SimulatedSources world = new SimulatedSources(seed);
    int sources = world.random().nextInt(6);
    for (int i = 0; i < sources; i++) {
      world.addBad();
    }
    world.run(); // throws if it does not end
    if (world.failure() != null) {
      assertThat(world.failure()).startsWith("no more of it came for 20 s; of the nodes asked: ");
    } else {
      world.checkAllThere();
    }
  }

  @Test
  void shouldPutChunksTogetherFromSourcesThatHaveOnlySome() {
    SimulatedSources world = new SimulatedSources(5);
    BitSet even = new BitSet();
    BitSet odd = new BitSet();
    for (int chunk = 0; chunk < world.chunks(); chunk++) {
      (chunk % 2 == 0 ? even : odd).set(chunk);
    }
    world.addWith(even);
    world.addWith(odd);
    world.run();
    assertThat(world.failure()).isNull();
    world.checkAllThere();
  }

  @Test
  void shouldStrikeOffASourceThatSendsWrongBytes() {
    SimulatedSources world = new SimulatedSources(6);
    world.addHonest(0);
    int liar = world.addLiar();
    world.run();
    assertThat(world.failure()).isNull();
    world.checkAllThere();
    assertThat(world.spoiltChunksTakenFrom(liar)).isLessThanOrEqualTo(1);
  }

  @Test
  void shouldSayThatNobodyHasIt() {
    SimulatedSources world = new SimulatedSources(7);
    world.run();
    assertThat(world.failure()).endsWith("of the nodes asked: no other node is there");
  }
}
