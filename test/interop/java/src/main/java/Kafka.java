import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.UnsupportedCompressionTypeException;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * The local Event Hubs endpoint with Java's kafka-clients.
 *
 * <p>Environment: EVENTHUBS_CONNECTION, KAFKA_ADDRESS. Uses the hub inference-labels. Exit code 0: all well.
 */
public final class Kafka {
    static final String HUB = "inference-labels";
    static final String RUN = UUID.randomUUID().toString().substring(0, 8);
    private static final int RECORDS = 500;
    private static boolean failed;

    private interface Check {
        void run() throws Exception;
    }

    public static void main(String[] args) {
        check("an idempotent producer, acks all, gzip", Kafka::produce);
        check("a group shares the partitions as its members come and go, each record once", Kafka::share);
        check("OAUTHBEARER", Kafka::bearer);
        check("what must be refused", Kafka::refusals);
        System.exit(failed ? 1 : 0);
    }

    private static void check(String name, Check check) {
        try {
            check.run();
            System.out.println("ok      " + name);
        } catch (Throwable error) {
            failed = true;
            System.out.println("FAILED  " + name + ": " + error);
        }
    }

    static Map<String, Object> connection(String connectionString) {
        return new HashMap<>(Map.of(
            "bootstrap.servers", System.getenv("KAFKA_ADDRESS"),
            "security.protocol", "SASL_PLAINTEXT",
            "sasl.mechanism", "PLAIN",
            "sasl.jaas.config", "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"$ConnectionString\" password=\""
                + connectionString + "\";"));
    }

    static Map<String, Object> connection() {
        return connection(System.getenv("EVENTHUBS_CONNECTION"));
    }

    private static KafkaProducer<String, String> producer(Map<String, Object> connection, Map<String, Object> more) {
        Map<String, Object> settings = new HashMap<>(connection);
        settings.putAll(Map.of("acks", "all", "enable.idempotence", true, "compression.type", "gzip", "linger.ms", 5));
        settings.putAll(more);
        return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    }

    /** What was sent, and where it is. */
    private static Map<String, RecordMetadata> send(String batch) throws Exception {
        Map<String, Future<RecordMetadata>> sent = new HashMap<>();
        try (KafkaProducer<String, String> producer = producer(connection(), Map.of())) {
            for (int i = 0; i < RECORDS; i++) {
                String value = RUN + "/" + batch + "/" + i;
                ProducerRecord<String, String> record = new ProducerRecord<>(HUB, "customer-" + i % 10, value);
                record.headers().add("i", String.valueOf(i).getBytes(StandardCharsets.UTF_8));
                sent.put(value, producer.send(record));
            }
        }
        Map<String, RecordMetadata> stored = new HashMap<>();
        for (Map.Entry<String, Future<RecordMetadata>> one : sent.entrySet()) stored.put(one.getKey(), one.getValue().get());
        return stored;
    }

    private static void produce() throws Exception {
        Map<String, RecordMetadata> stored = send("produce");
        Map<Integer, Set<Long>> offsets = new HashMap<>();
        stored.values().forEach(at -> offsets.computeIfAbsent(at.partition(), partition -> new TreeSet<>()).add(at.offset()));
        expect(offsets.size() == 2, "both partitions have records");
        List<ConsumerRecord<String, String>> records = new ArrayList<>();
        try (Member member = new Member("produced")) {
            until("all are read", () -> member.records().size() == RECORDS);
            records.addAll(member.records());
        }
        for (ConsumerRecord<String, String> record : records) {
            String i = record.value().substring(record.value().lastIndexOf('/') + 1);
            RecordMetadata at = stored.get(record.value());
            expect(record.partition() == at.partition() && record.offset() == at.offset(), "where " + record.value() + " is");
            expect(record.key().equals("customer-" + Integer.parseInt(i) % 10), "key of " + record.value());
            expect(new String(record.headers().lastHeader("i").value(), StandardCharsets.UTF_8).equals(i), "header of " + record.value());
        }
        for (Set<Long> of : offsets.values()) {
            List<Long> sorted = List.copyOf(of);
            expect(sorted.get(sorted.size() - 1) - sorted.get(0) == sorted.size() - 1, "no offset is left out");
        }
    }

    private static void share() throws Exception {
        List<String> sent = new ArrayList<>(), read = new ArrayList<>();
        try (Member first = new Member("shared")) {
            until("the first has both", () -> first.partitions().equals(Set.of(0, 1)));
            sent.addAll(send("one member").keySet());
            try (Member second = new Member("shared")) {
                until("each has one", () -> first.partitions().size() == 1 && second.partitions().size() == 1);
                Set<Integer> both = new TreeSet<>(first.partitions());
                both.addAll(second.partitions());
                expect(both.equals(Set.of(0, 1)), "they have both between them");
                List<String> more = List.copyOf(send("two members").keySet());
                sent.addAll(more);
                int before = RECORDS + sent.size();
                until("all are read", () -> first.records().size() + second.records().size() >= before);
                expect(second.records().stream().anyMatch(record -> more.contains(record.value())), "the second reads");
                second.close();
                second.records().forEach(record -> read.add(record.value()));
            }
            until("the first has both again", () -> first.partitions().equals(Set.of(0, 1)));
            sent.addAll(send("one member again").keySet());
            until("all are read", () -> first.records().size() + read.size() >= RECORDS + sent.size());
            first.close();
            first.records().forEach(record -> read.add(record.value()));
        }
        read.removeIf(value -> value.startsWith(RUN + "/produce/"));
        expect(read.size() == sent.size() && Set.copyOf(read).equals(Set.copyOf(sent)), "each once: " + read.size() + " of " + sent.size());
        try (Member later = new Member("shared")) {
            until("it has both", () -> later.partitions().equals(Set.of(0, 1)));
            Thread.sleep(1000);
            expect(later.records().isEmpty(), "what the group has committed does not come again");
        }
    }

    private static void bearer() throws Exception {
        Map<String, Object> connection = connection();
        connection.put("sasl.mechanism", "OAUTHBEARER");
        connection.put("sasl.jaas.config",
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"someone\";");
        try (KafkaProducer<String, String> producer = producer(connection, Map.of())) {
            expect(producer.send(new ProducerRecord<>(HUB, "bearer")).get().hasOffset(), "an offset");
        }
    }

    private static void refusals() throws Exception {
        for (String codec : List.of("snappy", "lz4", "zstd")) {
            refused(UnsupportedCompressionTypeException.class, connection(), Map.of("compression.type", codec), HUB, 100);
        }
        refused(RecordTooLargeException.class, connection(), Map.of("compression.type", "none", "max.request.size", 3_000_000), HUB, 1_100_000);
        refused(TimeoutException.class, connection(), Map.of("max.block.ms", 3000), "no-such-hub", 1);
        String wrongKey = System.getenv("EVENTHUBS_CONNECTION").replace("SAS_KEY_VALUE", "another");
        refused(SaslAuthenticationException.class, connection(wrongKey), Map.of(), HUB, 1);
    }

    private static void refused(Class<? extends Exception> how, Map<String, Object> connection, Map<String, Object> more, String hub, int bytes) {
        Throwable refusal = null;
        try (KafkaProducer<String, String> producer = producer(connection, more)) {
            producer.send(new ProducerRecord<>(hub, "x".repeat(bytes))).get();
        } catch (ExecutionException error) {
            refusal = error.getCause();
        } catch (Exception error) {
            refusal = error;
        }
        expect(how.isInstance(refusal), how.getSimpleName() + " with " + more + ", not " + refusal);
    }

    static void until(String what, BooleanSupplier holds) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!holds.getAsBoolean()) {
            expect(System.nanoTime() < deadline, "in 30 s not: " + what);
            Thread.sleep(50);
        }
    }

    static void expect(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }
}
