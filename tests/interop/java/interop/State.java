package interop;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.apache.kafka.storage.internals.log.AbortedTxn;
import org.apache.kafka.storage.internals.log.BatchMetadata;
import org.apache.kafka.storage.internals.log.EpochEntry;
import org.apache.kafka.storage.internals.log.LogSegment;
import org.apache.kafka.storage.internals.log.OffsetIndex;
import org.apache.kafka.storage.internals.log.OffsetPosition;
import org.apache.kafka.storage.internals.log.ProducerStateEntry;
import org.apache.kafka.storage.internals.log.TimeIndex;
import org.apache.kafka.storage.internals.log.TimestampOffset;
import org.apache.kafka.storage.internals.log.UnifiedLog;

/** What a loaded log holds, in the words of expected/state.jsonl. */
final class State {
    private State() {
    }

    static ObjectNode of(UnifiedLog log) throws IOException {
        ObjectNode state = Json.object();
        state.put("partition", log.dir().getName());
        state.put("log_start_offset", log.logStartOffset());
        state.put("log_end_offset", log.logEndOffset());
        state.put("high_watermark", log.highWatermark());
        state.put("last_stable_offset", log.lastStableOffset());
        state.put("first_unstable_offset", log.firstUnstableOffset().orElse(null));
        state.put("recovery_point", log.recoveryPoint());
        state.put("size", log.size());
        state.put("topic_id", log.topicId().map(Object::toString).orElse(null));
        ArrayNode segments = state.putArray("segments");
        for (LogSegment segment : log.logSegments()) {
            segments.add(segment(segment));
        }
        ArrayNode producers = state.putArray("producers");
        Map<Long, ProducerStateEntry> byId = new TreeMap<>(log.producerStateManager().activeProducers());
        for (ProducerStateEntry producer : byId.values()) {
            producers.add(producer(producer));
        }
        ArrayNode epochs = state.putArray("epochs");
        for (EpochEntry entry : log.leaderEpochCache().epochEntries()) {
            epochs.add(Json.pair(entry.epoch(), entry.startOffset()));
        }
        return state;
    }

    private static ObjectNode segment(LogSegment segment) throws IOException {
        OffsetIndex index = segment.offsetIndex();
        TimeIndex times = segment.timeIndex();
        ObjectNode node = Json.object();
        node.put("base", segment.baseOffset());
        node.put("size", segment.size());
        node.put("index_entries", index.entries());
        node.put("timeindex_entries", times.entries());
        OptionalLong largest = segment.largestRecordTimestamp();
        node.put("largest_timestamp", largest.isPresent() ? Long.valueOf(largest.getAsLong()) : null);
        ArrayNode offsets = node.putArray("index");
        for (int i = 0; i < index.entries(); i++) {
            OffsetPosition entry = index.entry(i);
            offsets.add(Json.pair(entry.offset(), entry.position()));
        }
        ArrayNode timestamps = node.putArray("timeindex");
        for (int i = 0; i < times.entries(); i++) {
            TimestampOffset entry = times.entry(i);
            timestamps.add(Json.pair(entry.timestamp(), entry.offset()));
        }
        ArrayNode aborted = node.putArray("txnindex");
        for (AbortedTxn transaction : segment.txnIndex().allAbortedTxns()) {
            aborted.addObject()
                .put("producer_id", transaction.producerId())
                .put("first", transaction.firstOffset())
                .put("last", transaction.lastOffset())
                .put("last_stable_offset", transaction.lastStableOffset());
        }
        return node;
    }

    private static ObjectNode producer(ProducerStateEntry producer) {
        ObjectNode node = Json.object();
        node.put("producer_id", producer.producerId());
        node.put("epoch", producer.producerEpoch());
        node.put("coordinator_epoch", producer.coordinatorEpoch());
        node.put("last_timestamp", producer.lastTimestamp());
        if (producer.currentTxnFirstOffset().isPresent()) {
            node.put("current_txn_first_offset", producer.currentTxnFirstOffset().getAsLong());
        } else {
            node.putNull("current_txn_first_offset");
        }
        ArrayNode batches = node.putArray("batches");
        for (BatchMetadata batch : producer.batchMetadata()) {
            batches.addObject()
                .put("first_seq", batch.firstSeq())
                .put("last_seq", batch.lastSeq())
                .put("first_offset", batch.firstOffset())
                .put("last_offset", batch.lastOffset())
                .put("timestamp", batch.timestamp());
        }
        return node;
    }
}
