import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CopyOnWriteArraySet;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.serialization.StringDeserializer;

/** A member of a Kafka consumer group in a thread of its own; commits what it has read, at the latest as its partitions go. */
final class Member implements AutoCloseable, Runnable, ConsumerRebalanceListener {
    private final KafkaConsumer<String, String> consumer;
    private final List<ConsumerRecord<String, String>> records = new CopyOnWriteArrayList<>();
    private final Set<Integer> partitions = new CopyOnWriteArraySet<>();
    private final Thread thread = new Thread(this);
    private volatile boolean closing;

    Member(String group) {
        Map<String, Object> settings = Kafka.connection();
        settings.putAll(Map.of("group.id", Kafka.RUN + "-" + group, "auto.offset.reset", "earliest", "enable.auto.commit", false,
            "session.timeout.ms", 10_000, "heartbeat.interval.ms", 500));
        consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
        thread.start();
    }

    /** Of this run, of others the hub is full. */
    List<ConsumerRecord<String, String>> records() {
        return records;
    }

    Set<Integer> partitions() {
        return Set.copyOf(partitions);
    }

    @Override
    public void run() {
        try (consumer) {
            consumer.subscribe(List.of(Kafka.HUB), this);
            while (!closing) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                    if (record.value().startsWith(Kafka.RUN)) records.add(record);
                }
                try {
                    consumer.commitSync();
                } catch (RebalanceInProgressException again) {
                    // the next poll takes part in it
                }
            }
        }
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> assigned) {
        assigned.forEach(one -> partitions.add(one.partition()));
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> revoked) {
        consumer.commitSync();
        revoked.forEach(one -> partitions.remove(one.partition()));
    }

    @Override
    public void close() throws InterruptedException {
        closing = true;
        thread.join();
    }
}
