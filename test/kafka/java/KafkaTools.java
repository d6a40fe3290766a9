import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The Java clients behind one JSON line per request, in one process for a whole test run: a new JVM for every topic
 * would cost more than the tests.
 *
 * Request: {"id", "command", ...}. Answer: any number of {"id", "record"} lines, then {"id", "result"} or
 * {"id", "error", "message"}. Bytes are base64, absent bytes are null. End of input ends the process.
 */
public final class KafkaTools {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);

  private final String bootstrap;
  private final Admin admin;

  private KafkaTools(String bootstrap) {
    this.bootstrap = bootstrap;
    this.admin = Admin.create(Map.of("bootstrap.servers", bootstrap, "default.api.timeout.ms", "30000"));
  }

  public static void main(String[] args) throws Exception {
    KafkaTools tools = new KafkaTools(args[0]);
    ExecutorService workers = Executors.newCachedThreadPool();
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      JsonNode request = JSON.readTree(line);
      workers.submit(() -> tools.answer(request));
    }
    Runtime.getRuntime().halt(0);
  }

  private void answer(JsonNode request) {
    ObjectNode answer = JSON.createObjectNode().put("id", request.get("id").asLong());
    try {
      answer.set("result", run(request));
    } catch (Throwable error) {
      Throwable cause = error instanceof ExecutionException && error.getCause() != null ? error.getCause() : error;
      answer.put("error", cause.getClass().getSimpleName()).put("message", String.valueOf(cause.getMessage()));
    }
    print(answer);
  }

  private static void print(ObjectNode line) {
    synchronized (OUT) {
      OUT.println(line);
      OUT.flush();
    }
  }

  private JsonNode run(JsonNode request) throws Exception {
    return switch (request.get("command").asText()) {
      case "createTopic" -> createTopic(request);
      case "deleteTopic" -> done(admin.deleteTopics(Set.of(topic(request))).all());
      case "describeTopic" -> describeTopic(request);
      case "addPartitions" ->
          done(admin.createPartitions(Map.of(topic(request), NewPartitions.increaseTo(request.get("total").asInt()))).all());
      case "setTopicConfig" -> setTopicConfig(request);
      case "topicConfig" -> topicConfig(request);
      case "moveLeader" -> moveLeader(request);
      case "denyTopic" -> denyTopic(request);
      case "denyCreation" -> denyCreation(request);
      case "setScramPassword" -> setScramPassword(request);
      case "committedOffsets" -> committedOffsets(request);
      case "read" -> read(request);
      case "audit" -> audit(request);
      case "produce" -> produce(request);
      default -> throw new IllegalArgumentException("unknown command " + request.get("command"));
    };
  }

  private static String topic(JsonNode request) {
    return request.get("topic").asText();
  }

  private static JsonNode done(org.apache.kafka.common.KafkaFuture<?> future) throws Exception {
    future.get();
    return JSON.createObjectNode();
  }

  private static Map<String, String> strings(JsonNode node) {
    Map<String, String> map = new HashMap<>();
    if (node != null) node.properties().forEach(field -> map.put(field.getKey(), field.getValue().asText()));
    return map;
  }

  private static byte[] bytes(JsonNode node) {
    return node == null || node.isNull() ? null : Base64.getDecoder().decode(node.asText());
  }

  private static String base64(byte[] bytes) {
    return bytes == null ? null : Base64.getEncoder().encodeToString(bytes);
  }

  private JsonNode createTopic(JsonNode request) throws Exception {
    NewTopic created = new NewTopic(
        topic(request),
        request.get("partitions").asInt(),
        (short) request.get("replicationFactor").asInt());
    created.configs(strings(request.get("config")));
    return done(admin.createTopics(List.of(created)).all());
  }

  private JsonNode describeTopic(JsonNode request) throws Exception {
    TopicDescription description = admin.describeTopics(List.of(topic(request))).allTopicNames().get().get(topic(request));
    ArrayNode partitions = JSON.createArrayNode();
    for (TopicPartitionInfo info : description.partitions()) {
      ObjectNode partition = partitions.addObject().put("partition", info.partition());
      if (info.leader() == null) partition.putNull("leader");
      else partition.put("leader", info.leader().id());
      ArrayNode replicas = partition.putArray("replicas");
      for (Node node : info.replicas()) replicas.add(node.id());
      ArrayNode inSync = partition.putArray("inSync");
      for (Node node : info.isr()) inSync.add(node.id());
    }
    return JSON.createObjectNode().set("partitions", partitions);
  }

  private JsonNode setTopicConfig(JsonNode request) throws Exception {
    List<AlterConfigOp> changes = new ArrayList<>();
    strings(request.get("config"))
        .forEach((name, value) -> changes.add(new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET)));
    return done(admin
        .incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.TOPIC, topic(request)), changes))
        .all());
  }

  private JsonNode topicConfig(JsonNode request) throws Exception {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic(request));
    ObjectNode config = JSON.createObjectNode();
    for (ConfigEntry entry : admin.describeConfigs(List.of(resource)).all().get().get(resource).entries()) {
      config.put(entry.name(), entry.value());
    }
    return JSON.createObjectNode().set("config", config);
  }

  // The preferred leader is the first replica: put the wanted broker first, then ask for the preferred one.
  private JsonNode moveLeader(JsonNode request) throws Exception {
    TopicPartition partition = new TopicPartition(topic(request), request.get("partition").asInt());
    int wanted = request.get("leader").asInt();
    List<Integer> replicas = new ArrayList<>(List.of(wanted));
    for (Node node : admin.describeTopics(List.of(topic(request))).allTopicNames().get().get(topic(request))
        .partitions().get(partition.partition()).replicas()) {
      if (node.id() != wanted) replicas.add(node.id());
    }
    admin.alterPartitionReassignments(Map.of(partition, Optional.of(new NewPartitionReassignment(replicas)))).all().get();
    // The controller works the new order in after it has answered, and an election before that keeps the old leader.
    long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (leaderOf(partition) != wanted) {
      if (System.nanoTime() > deadline) throw new IllegalStateException("broker " + wanted + " did not become leader in 30 s");
      admin.electLeaders(ElectionType.PREFERRED, Set.of(partition)).partitions().get();
      Thread.sleep(20);
    }
    return JSON.createObjectNode();
  }

  private int leaderOf(TopicPartition partition) throws Exception {
    Node leader = admin.describeTopics(List.of(partition.topic())).allTopicNames().get().get(partition.topic())
        .partitions().get(partition.partition()).leader();
    return leader == null ? -1 : leader.id();
  }

  private JsonNode denyTopic(JsonNode request) throws Exception {
    return done(admin.createAcls(List.of(new AclBinding(
        new ResourcePattern(ResourceType.TOPIC, topic(request), PatternType.LITERAL),
        new AccessControlEntry(
            request.get("principal").asText(),
            "*",
            AclOperation.fromString(request.get("operation").asText()),
            AclPermissionType.DENY)))).all());
  }

  private JsonNode denyCreation(JsonNode request) throws Exception {
    String principal = request.get("principal").asText();
    AccessControlEntry denied = new AccessControlEntry(principal, "*", AclOperation.CREATE, AclPermissionType.DENY);
    ResourcePattern topic = new ResourcePattern(ResourceType.TOPIC, topic(request), PatternType.LITERAL);
    List<AclBinding> bindings = new ArrayList<>();
    bindings.add(new AclBinding(new ResourcePattern(ResourceType.CLUSTER, "kafka-cluster", PatternType.LITERAL), denied));
    bindings.add(new AclBinding(topic, denied));
    for (AclOperation allowed : List.of(AclOperation.READ, AclOperation.WRITE)) {
      bindings.add(new AclBinding(topic, new AccessControlEntry(principal, "*", allowed, AclPermissionType.ALLOW)));
    }
    return done(admin.createAcls(bindings).all());
  }

  private JsonNode setScramPassword(JsonNode request) throws Exception {
    return done(admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(
        request.get("user").asText(),
        new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096),
        request.get("password").asText()))).all());
  }

  private JsonNode committedOffsets(JsonNode request) throws Exception {
    ArrayNode offsets = JSON.createArrayNode();
    Map<TopicPartition, OffsetAndMetadata> committed =
        admin.listConsumerGroupOffsets(request.get("group").asText()).partitionsToOffsetAndMetadata().get();
    committed.forEach((partition, offset) -> {
      if (offset == null) return;
      offsets.addObject()
          .put("topic", partition.topic())
          .put("partition", partition.partition())
          .put("offset", offset.offset())
          .put("metadata", offset.metadata());
    });
    return JSON.createObjectNode().set("offsets", offsets);
  }

  /** Everything between the beginning and the end as it is now; the end is asked for once, so a busy topic ends too. */
  private JsonNode read(JsonNode request) {
    long id = request.get("id").asLong();
    Map<String, Object> config = Map.of(
        "bootstrap.servers", bootstrap,
        "enable.auto.commit", "false",
        "allow.auto.create.topics", "false",
        "isolation.level", request.path("isolation").asText("read_uncommitted"),
        // Closing waits for the fetch that is under way, which the broker answers after this time when there is nothing more.
        "fetch.max.wait.ms", "5",
        "default.api.timeout.ms", "30000");
    long count = readAll(topic(request), config, message -> print(recordLine(id, message)));
    return JSON.createObjectNode().put("count", count);
  }

  private long readAll(String topic, Map<String, Object> config, Consumer<ConsumerRecord<byte[], byte[]>> receive) {
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions = new ArrayList<>();
      for (PartitionInfo info : consumer.partitionsFor(topic)) {
        partitions.add(new TopicPartition(info.topic(), info.partition()));
      }
      // The client answers with nothing for a topic that does not exist.
      if (partitions.isEmpty()) throw new UnknownTopicOrPartitionException("no topic " + topic);
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
      long count = 0;
      // By position, not by the last record seen: transaction markers take up offsets too.
      while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
        if (System.nanoTime() > deadline) throw new IllegalStateException("the end was not reached in 60 s");
        for (ConsumerRecord<byte[], byte[]> message : consumer.poll(Duration.ofMillis(500))) {
          if (message.offset() >= ends.get(new TopicPartition(message.topic(), message.partition()))) continue;
          receive.accept(message);
          count++;
        }
      }
      return count;
    }
  }

  /** The numbers of one key: the next one that is due, and those before it that have not come. */
  private static final class Sequence {
    final int partition;
    final Set<Long> missing = new TreeSet<>();
    long next = 0;

    Sequence(int partition) {
      this.partition = partition;
    }
  }

  /**
   * Reads a topic whose values begin with a number and a space, 0, 1, 2 ... for each key, and tells what is not as it
   * should be. Keeps no message, so millions are no matter; what is missing is kept.
   */
  private JsonNode audit(JsonNode request) throws Exception {
    Map<String, Sequence> sequences = new TreeMap<>();
    long[] duplicated = {0};
    long[] reordered = {0};
    long[] astray = {0};
    Map<String, Object> config =
        Map.of("bootstrap.servers", bootstrap, "enable.auto.commit", "false", "default.api.timeout.ms", "30000");
    long count = readAll(topic(request), config, message -> {
      String key = new String(message.key(), StandardCharsets.UTF_8);
      Sequence sequence = sequences.computeIfAbsent(key, first -> new Sequence(message.partition()));
      if (sequence.partition != message.partition()) astray[0]++;
      long number = 0;
      for (int at = 0; message.value()[at] != ' '; at++) number = number * 10 + message.value()[at] - '0';
      if (number >= sequence.next) {
        for (long skipped = sequence.next; skipped < number; skipped++) sequence.missing.add(skipped);
        sequence.next = number + 1;
      } else if (sequence.missing.remove(number)) {
        reordered[0]++;
      } else {
        duplicated[0]++;
      }
    });
    ObjectNode result = JSON.createObjectNode()
        .put("count", count)
        .put("duplicated", duplicated[0])
        .put("reordered", reordered[0])
        .put("astray", astray[0])
        .put("producers", producersOf(topic(request)));
    ObjectNode keys = result.putObject("keys");
    sequences.forEach((key, sequence) -> {
      ObjectNode found = keys.putObject(key).put("next", sequence.next);
      ArrayNode missing = found.putArray("missing");
      sequence.missing.forEach(missing::add);
    });
    return result;
  }

  /** How many idempotent producers the brokers remember to have written to the topic. */
  private int producersOf(String topic) throws Exception {
    List<TopicPartition> partitions = new ArrayList<>();
    for (TopicPartitionInfo info : admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions()) {
      partitions.add(new TopicPartition(topic, info.partition()));
    }
    Set<Long> ids = new TreeSet<>();
    admin.describeProducers(partitions).all().get().values()
        .forEach(partition -> partition.activeProducers().forEach(producer -> ids.add(producer.producerId())));
    return ids.size();
  }

  private static ObjectNode recordLine(long id, ConsumerRecord<byte[], byte[]> message) {
    ObjectNode line = JSON.createObjectNode().put("id", id);
    ObjectNode fields = line.putObject("record")
        .put("partition", message.partition())
        .put("offset", message.offset())
        .put("timestamp", message.timestamp())
        .put("timestampType", message.timestampType().toString())
        .put("key", base64(message.key()))
        .put("value", base64(message.value()));
    ArrayNode headers = fields.putArray("headers");
    for (Header header : message.headers()) headers.addArray().add(header.key()).add(base64(header.value()));
    return line;
  }

  private JsonNode produce(JsonNode request) throws Exception {
    Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "acks", "all"));
    config.putAll(strings(request.get("config")));
    ArrayNode reports = JSON.createArrayNode();
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
      List<Future<RecordMetadata>> pending = new ArrayList<>();
      for (JsonNode message : request.get("records")) {
        ProducerRecord<byte[], byte[]> outgoing = new ProducerRecord<>(
            topic(request),
            message.hasNonNull("partition") ? message.get("partition").asInt() : null,
            message.hasNonNull("timestamp") ? message.get("timestamp").asLong() : null,
            bytes(message.get("key")),
            bytes(message.get("value")));
        for (JsonNode header : message.path("headers")) outgoing.headers().add(header.get(0).asText(), bytes(header.get(1)));
        pending.add(producer.send(outgoing));
      }
      for (Future<RecordMetadata> future : pending) {
        RecordMetadata report = future.get();
        reports.addObject().put("partition", report.partition()).put("offset", report.offset());
      }
    }
    return JSON.createObjectNode().set("reports", reports);
  }
}
