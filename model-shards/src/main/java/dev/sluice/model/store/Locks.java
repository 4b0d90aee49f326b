package dev.sluice.model.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Locks on files, among the threads of this process and among processes. The system's locks belong
 * to a process and end when any channel of the file is closed, so a process holds one channel a
 * file, counted here.
 */
final class Locks {
  private static final ReentrantLock TURN = new ReentrantLock();
  private static final Map<Path, Held> HELD = new HashMap<>();

  private Locks() {}

  /** Given back by closing it. */
  interface Lock extends AutoCloseable {
    @Override
    void close();
  }

  private static final class Held {
    private final FileChannel channel;
    private final boolean alone;
    private int holders;

    Held(FileChannel channel, boolean alone) {
      this.channel = channel;
      this.alone = alone;
    }
  }

  /** Has {@code file} alone; waits for whoever has it, which must never be for long. */
  static Lock alone(Path file) throws IOException {
    TURN.lock();
    try {
      FileChannel channel = channel(file);
      try {
        FileLock _ = channel.lock();
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
      return () -> {
        closeQuietly(channel);
        TURN.unlock();
      };
    } catch (IOException | RuntimeException e) {
      TURN.unlock();
      throw e;
    }
  }

  /**
   * Takes part in the use of what {@code file} stands for; waits while another process has it for
   * itself, which must never be for long.
   *
   * @throws IOException also while this process has it for itself
   */
  static Lock share(Path file) throws IOException {
    synchronized (HELD) {
      Held held = HELD.get(file);
      if (held == null) {
        held = new Held(channel(file), false);
        try {
          FileLock _ = held.channel.lock(0, Long.MAX_VALUE, true);
        } catch (IOException | RuntimeException e) {
          held.channel.close();
          throw e;
        }
        HELD.put(file, held);
      } else if (held.alone) {
        throw new IOException("it is being removed");
      }
      held.holders++;
    }
    return release(file);
  }

  /** Has it alone, if nobody uses it, in this process or another. */
  static Optional<Lock> tryAlone(Path file) throws IOException {
    synchronized (HELD) {
      if (HELD.containsKey(file)) {
        return Optional.empty();
      }
      FileChannel channel = channel(file);
      boolean locked = false;
      try {
        locked = channel.tryLock() != null;
      } finally {
        if (!locked) {
          channel.close();
        }
      }
      if (!locked) {
        return Optional.empty();
      }
      Held held = new Held(channel, true);
      held.holders = 1;
      HELD.put(file, held);
    }
    return Optional.of(release(file));
  }

  private static FileChannel channel(Path file) throws IOException {
    return FileChannel.open(
        file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }

  private static Lock release(Path file) {
    return new Lock() {
      private boolean released;

      @Override
      public void close() {
        synchronized (HELD) {
          Held held = HELD.get(file);
          if (!released && held != null) {
            released = true;
            held.holders--;
            if (held.holders == 0) {
              HELD.remove(file);
              closeQuietly(held.channel);
            }
          }
        }
      }
    };
  }

  private static void closeQuietly(FileChannel channel) {
    try {
      channel.close();
    } catch (IOException _) {
      // nothing was written to it
    }
  }
}
