import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Formats the storage and runs one broker in the same process: one JVM start instead of two.
 *
 * Arguments: server.properties, cluster id, directory to delete when the parent dies, then further arguments for the
 * formatter (for example --add-scram).
 */
public final class KafkaNode {
  public static void main(String[] args) {
    String properties = args[0];
    ParentWatch.start(args[2]);
    List<String> format = new ArrayList<>(List.of("format", "-t", args[1], "-c", properties, "--ignore-formatted"));
    format.addAll(Arrays.asList(args).subList(3, args.length));
    int code = kafka.tools.StorageTool.execute(format.toArray(String[]::new), System.err);
    if (code != 0) System.exit(code);
    kafka.Kafka.main(new String[] {properties});
  }
}
