import com.azure.core.amqp.AmqpRetryOptions;
import com.azure.core.amqp.exception.AmqpException;
import com.azure.messaging.eventhubs.EventData;
import com.azure.messaging.eventhubs.EventDataBatch;
import com.azure.messaging.eventhubs.EventHubClientBuilder;
import com.azure.messaging.eventhubs.EventHubConsumerAsyncClient;
import com.azure.messaging.eventhubs.EventHubConsumerClient;
import com.azure.messaging.eventhubs.EventHubProducerClient;
import com.azure.messaging.eventhubs.models.CreateBatchOptions;
import com.azure.messaging.eventhubs.models.EventPosition;
import com.azure.messaging.eventhubs.models.PartitionEvent;
import com.azure.messaging.eventhubs.models.ReceiveOptions;
import com.azure.messaging.eventhubs.models.SendOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import reactor.core.Disposable;

/**
 * The local Event Hubs endpoint with Java's azure-messaging-eventhubs.
 *
 * <p>Environment: EVENTHUBS_CONNECTION. Uses the hub inference-labels. Exit code 0: all well.
 */
public final class EventHubs {
    private static final String HUB = "inference-labels";
    private static final String GROUP = "monitor";
    private static boolean failed;

    private interface Check {
        void run() throws Exception;
    }

    public static void main(String[] args) {
        check("send and receive", EventHubs::sendAndReceive);
        check("a higher owner level", EventHubs::ownerLevel);
        check("what must be refused", EventHubs::refusals);
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

    private static EventHubClientBuilder builder(String hub) {
        return new EventHubClientBuilder()
            .connectionString(System.getenv("EVENTHUBS_CONNECTION"), hub)
            .consumerGroup(GROUP)
            .retryOptions(new AmqpRetryOptions().setMaxRetries(1).setTryTimeout(Duration.ofSeconds(10)));
    }

    private static void sendAndReceive() {
        try (EventHubProducerClient producer = builder(HUB).buildProducerClient();
            EventHubConsumerClient consumer = builder(HUB).buildConsumerClient()) {
            long before = producer.getPartitionProperties("0").getLastEnqueuedSequenceNumber();
            EventDataBatch batch = producer.createBatch(new CreateBatchOptions().setPartitionId("0"));
            for (int i = 0; i < 100; i++) {
                EventData event = new EventData("java " + i);
                event.getProperties().put("i", i);
                expect(batch.tryAdd(event), "room in the batch");
            }
            producer.send(batch);
            producer.send(List.of(new EventData("keyed")), new SendOptions().setPartitionKey("key-1"));
            List<PartitionEvent> events = new ArrayList<>();
            while (events.size() < 100) {
                long from = events.isEmpty() ? before : events.get(events.size() - 1).getData().getSequenceNumber();
                consumer.receiveFromPartition("0", 100 - events.size(), EventPosition.fromSequenceNumber(from), Duration.ofSeconds(5))
                    .forEach(events::add);
            }
            for (int i = 0; i < 100; i++) {
                EventData event = events.get(i).getData();
                expect(event.getBodyAsString().equals("java " + i), "body " + i + " is " + event.getBodyAsString());
                expect(event.getProperties().get("i").equals(i), "property of " + i);
                expect(event.getSequenceNumber() == before + 1 + i, "sequence number of " + i);
            }
        }
    }

    private static void ownerLevel() throws Exception {
        try (EventHubConsumerAsyncClient consumer = builder(HUB).buildAsyncConsumerClient()) {
            CompletableFuture<Throwable> lost = new CompletableFuture<>();
            Disposable first = consumer
                .receiveFromPartition("1", EventPosition.earliest(), new ReceiveOptions().setOwnerLevel(1L))
                .subscribe(event -> { }, lost::complete);
            Thread.sleep(1500);
            Disposable second = consumer
                .receiveFromPartition("1", EventPosition.earliest(), new ReceiveOptions().setOwnerLevel(2L))
                .subscribe(event -> { }, error -> { });
            Throwable error = lost.get(20, TimeUnit.SECONDS);
            expect(error instanceof AmqpException && String.valueOf(error.getMessage()).contains("epoch"), "stolen, not " + error);
            Throwable lower = errorOf(consumer, new ReceiveOptions().setOwnerLevel(1L));
            expect(lower instanceof AmqpException && String.valueOf(lower.getMessage()).contains("higher epoch"), "refused, not " + lower);
            first.dispose();
            second.dispose();
        }
    }

    private static void refusals() throws Exception {
        try (EventHubProducerClient unknown = builder("no-such-hub").buildProducerClient()) {
            refused("no-such-hub", () -> unknown.send(List.of(new EventData("x"))));
        }
        for (String[] names : new String[][] {{"no-such-hub", GROUP}, {HUB, "no-such-group"}}) {
            try (EventHubConsumerAsyncClient consumer = builder(names[0]).consumerGroup(names[1]).buildAsyncConsumerClient()) {
                Throwable error = errorOf(consumer, new ReceiveOptions());
                expect(error instanceof AmqpException && String.valueOf(error.getMessage()).contains("no-such-"), "not found, not " + error);
            }
        }
        try (EventHubProducerClient producer = builder(HUB).buildProducerClient()) {
            refused("", () -> producer.send(List.of(new EventData(new byte[1_100_000]))));
            refused("77", () -> producer.getPartitionProperties("77"));
        }
    }

    private static Throwable errorOf(EventHubConsumerAsyncClient consumer, ReceiveOptions options) throws Exception {
        CompletableFuture<Throwable> refused = new CompletableFuture<>();
        Disposable receiver = consumer.receiveFromPartition("1", EventPosition.earliest(), options).subscribe(event -> { }, refused::complete);
        try {
            return refused.get(30, TimeUnit.SECONDS);
        } finally {
            receiver.dispose();
        }
    }

    private static void refused(String text, Runnable action) {
        try {
            action.run();
        } catch (AmqpException | IllegalArgumentException error) {
            expect(String.valueOf(error.getMessage()).contains(text), "the error names " + text + ": " + error.getMessage());
            return;
        }
        throw new AssertionError("not refused: " + text);
    }

    private static void expect(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
