import java.io.IOException;
import java.io.InputStream;

/**
 * Ends this process when the one that started it is gone.
 *
 * The parent holds the other end of our standard input and never closes it while it lives, so end of file means the
 * parent exited, whatever way: returned, crashed, or was killed with a signal nobody can handle.
 */
final class ParentWatch {
  private ParentWatch() {}

  /** Halts at end of file and has `directory` deleted afterwards; null keeps everything. */
  static void start(String directory) {
    Thread thread = new Thread(() -> {
      try (InputStream input = System.in) {
        while (input.read() >= 0) {
          // Nothing is ever said here.
        }
      } catch (IOException ignored) {
        // A broken pipe means the same as a closed one.
      }
      if (directory != null) deleteAfterExit(directory);
      Runtime.getRuntime().halt(0);
    }, "parent-watch");
    thread.setDaemon(true);
    thread.start();
  }

  // A running broker keeps creating files, so the deletion must come after our end: the shell's `cat` waits for it,
  // because the pipe to it closes with this process.
  private static void deleteAfterExit(String directory) {
    try {
      new ProcessBuilder("sh", "-c", "cat >/dev/null; rm -rf -- \"$1\"", "sh", directory)
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .redirectError(ProcessBuilder.Redirect.DISCARD)
          .start();
    } catch (IOException ignored) {
      // Leaving files behind is better than leaving a broker behind.
    }
  }
}
