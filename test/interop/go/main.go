// The local Event Hubs endpoint with Go's azeventhubs.
//
// Environment: EVENTHUBS_CONNECTION. Uses the hub inference-labels. Exit code 0: all well.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
)

const hub, group = "inference-labels", "monitor"

var connection = os.Getenv("EVENTHUBS_CONNECTION")

func main() {
	failed := false
	for name, check := range map[string]func(context.Context) error{
		"properties":           properties,
		"send and receive":     sendAndReceive,
		"higher owner levels":  ownerLevels,
		"what must be refused": refusals,
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		if err := check(ctx); err != nil {
			failed = true
			fmt.Println("FAILED ", name+":", err)
		} else {
			fmt.Println("ok     ", name)
		}
		cancel()
	}
	if failed {
		os.Exit(1)
	}
}

func producer(name string) *azeventhubs.ProducerClient {
	return must(azeventhubs.NewProducerClientFromConnectionString(connection, name, &azeventhubs.ProducerClientOptions{
		RetryOptions: azeventhubs.RetryOptions{MaxRetries: -1},
	}))
}

func properties(ctx context.Context) error {
	client := producer(hub)
	defer client.Close(ctx)
	found, err := client.GetEventHubProperties(ctx, nil)
	if err != nil {
		return err
	}
	if found.Name != hub || len(found.PartitionIDs) != 2 {
		return fmt.Errorf("unexpected: %+v", found)
	}
	_, err = client.GetPartitionProperties(ctx, "1", nil)
	return err
}

func sendAndReceive(ctx context.Context) error {
	client := producer(hub)
	defer client.Close(ctx)
	before, err := client.GetPartitionProperties(ctx, "0", nil)
	if err != nil {
		return err
	}
	batch, err := client.NewEventDataBatch(ctx, &azeventhubs.EventDataBatchOptions{PartitionID: to.Ptr("0")})
	if err != nil {
		return err
	}
	for i := range 100 {
		event := &azeventhubs.EventData{Body: fmt.Appendf(nil, "go %d", i), Properties: map[string]any{"i": int64(i)}}
		if err := batch.AddEventData(event, nil); err != nil {
			return err
		}
	}
	if err := client.SendEventDataBatch(ctx, batch, nil); err != nil {
		return err
	}
	consumer := must(azeventhubs.NewConsumerClientFromConnectionString(connection, hub, group, nil))
	defer consumer.Close(ctx)
	partition, err := consumer.NewPartitionClient("0", &azeventhubs.PartitionClientOptions{
		StartPosition: azeventhubs.StartPosition{SequenceNumber: &before.LastEnqueuedSequenceNumber},
	})
	if err != nil {
		return err
	}
	defer partition.Close(ctx)
	events, err := partition.ReceiveEvents(ctx, 100, nil)
	if err != nil {
		return err
	}
	for len(events) < 100 {
		more, err := partition.ReceiveEvents(ctx, 100-len(events), nil)
		if err != nil {
			return err
		}
		events = append(events, more...)
	}
	for i, event := range events {
		if string(event.Body) != fmt.Sprintf("go %d", i) || event.Properties["i"] != int64(i) {
			return fmt.Errorf("event %d is %q %v", i, event.Body, event.Properties)
		}
		if event.SequenceNumber != before.LastEnqueuedSequenceNumber+1+int64(i) || event.Offset == "" {
			return fmt.Errorf("event %d has number %d and offset %q", i, event.SequenceNumber, event.Offset)
		}
	}
	return nil
}

func ownerLevels(ctx context.Context) error {
	consumer := must(azeventhubs.NewConsumerClientFromConnectionString(connection, hub, group, nil))
	defer consumer.Close(ctx)
	open := func(level int64) *azeventhubs.PartitionClient {
		return must(consumer.NewPartitionClient("1", &azeventhubs.PartitionClientOptions{
			OwnerLevel:    &level,
			StartPosition: azeventhubs.StartPosition{Earliest: to.Ptr(true)},
		}))
	}
	short := func() (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, 500*time.Millisecond) }
	first, second := open(1), open(2)
	defer first.Close(ctx)
	defer second.Close(ctx)
	for _, partition := range []*azeventhubs.PartitionClient{first, second} {
		try, cancel := short()
		_, _ = partition.ReceiveEvents(try, 1, nil)
		cancel()
	}
	third := open(1)
	defer third.Close(ctx)
	for name, partition := range map[string]*azeventhubs.PartitionClient{"the first receiver": first, "a lower level": third} {
		_, err := partition.ReceiveEvents(ctx, 1000, nil)
		var failure *azeventhubs.Error
		if !errors.As(err, &failure) || failure.Code != azeventhubs.ErrorCodeOwnershipLost {
			return fmt.Errorf("%s got %v", name, err)
		}
	}
	return nil
}

func refusals(ctx context.Context) error {
	unknown := producer("no-such-hub")
	defer unknown.Close(ctx)
	if _, err := unknown.GetEventHubProperties(ctx, nil); err == nil || !strings.Contains(err.Error(), "no-such-hub") {
		return fmt.Errorf("unknown hub: %v", err)
	}
	batch, err := unknown.NewEventDataBatch(ctx, nil)
	if err == nil || !strings.Contains(err.Error(), "no-such-hub") {
		return fmt.Errorf("sending to an unknown hub: %v %v", batch, err)
	}
	for _, names := range [][2]string{{"no-such-hub", group}, {hub, "no-such-group"}} {
		if err := receiveOnce(ctx, names[0], names[1]); err == nil || !strings.Contains(err.Error(), "no-such-") {
			return fmt.Errorf("receiving from %v: %v", names, err)
		}
	}
	client := producer(hub)
	defer client.Close(ctx)
	batch, err = client.NewEventDataBatch(ctx, nil)
	if err != nil {
		return err
	}
	if err := batch.AddEventData(&azeventhubs.EventData{Body: make([]byte, 1100000)}, nil); !errors.Is(err, azeventhubs.ErrEventDataTooLarge) {
		return fmt.Errorf("too large an event: %v", err)
	}
	return nil
}

func receiveOnce(ctx context.Context, hub string, group string) error {
	consumer := must(azeventhubs.NewConsumerClientFromConnectionString(connection, hub, group, &azeventhubs.ConsumerClientOptions{
		RetryOptions: azeventhubs.RetryOptions{MaxRetries: -1},
	}))
	defer consumer.Close(ctx)
	partition := must(consumer.NewPartitionClient("0", nil))
	defer partition.Close(ctx)
	_, err := partition.ReceiveEvents(ctx, 1, nil)
	return err
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Println("FAILED ", err)
		os.Exit(1)
	}
	return value
}
