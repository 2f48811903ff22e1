package interop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.message.FetchResponseData.AbortedTransaction;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.internal.FileRecords;
import org.apache.kafka.common.record.internal.FileRecords.TimestampAndOffset;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.Records;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.apache.kafka.server.storage.log.FetchIsolation;
import org.apache.kafka.storage.internals.log.FetchDataInfo;
import org.apache.kafka.storage.internals.log.UnifiedLog;

/** Questions to a loaded log, answered in the words of lookups.jsonl, reads.jsonl and epochs.jsonl. */
final class Queries {
    private Queries() {
    }

    static ObjectNode lookup(UnifiedLog log, long timestamp) {
        ObjectNode line = Json.object().put("timestamp", timestamp);
        Optional<TimestampAndOffset> found =
            log.fetchOffsetByTimestamp(timestamp, Optional.empty()).timestampAndOffsetOpt();
        line.put("found_offset", found.map(answer -> answer.offset).orElse(null));
        if (found.isPresent()) {
            line.put("found_timestamp", found.get().timestamp);
            line.put("leader_epoch", found.get().leaderEpoch.orElse(null));
        }
        return line.put("partition", log.dir().getName());
    }

    static ObjectNode epoch(UnifiedLog log, int epoch) {
        ObjectNode line = Json.object().put("epoch", epoch);
        Optional<OffsetAndEpoch> result = log.endOffsetForEpoch(epoch);
        if (result.isPresent()) {
            line.set("result", Json.pair(result.get().epoch(), result.get().offset()));
        } else {
            line.putNull("result");
        }
        Map.Entry<Integer, Long> cached = log.leaderEpochCache().endOffsetFor(epoch, log.logEndOffset());
        line.set("cache", Json.pair(cached.getKey(), cached.getValue()));
        return line.put("partition", log.dir().getName());
    }

    static ObjectNode read(UnifiedLog log, JsonNode question) throws IOException {
        long offset = Json.number(question, "offset", 0);
        int maxBytes = (int) Json.number(question, "max_bytes", 1 << 20);
        String isolation = Json.text(question, "isolation", "hw");
        boolean minOne = question.path("min_one").asBoolean(true);
        ObjectNode line = Json.object();
        line.put("offset", offset).put("max_bytes", maxBytes);
        line.put("isolation", isolation).put("min_one", minOne);
        try {
            putRead(line, log.read(offset, maxBytes, isolation(isolation), minOne));
        } catch (RuntimeException e) {
            line.put("error", Errors.forException(e).name()).put("message", e.getMessage());
        }
        return line.put("partition", log.dir().getName());
    }

    private static FetchIsolation isolation(String name) {
        switch (name) {
            case "end":
                return FetchIsolation.LOG_END;
            case "hw":
                return FetchIsolation.HIGH_WATERMARK;
            case "txn":
                return FetchIsolation.TXN_COMMITTED;
            default:
                throw new IllegalArgumentException("isolation " + name);
        }
    }

    private static void putRead(ObjectNode line, FetchDataInfo read) throws IOException {
        ByteBuffer bytes = bytes(read.records);
        line.put("bytes", bytes.remaining());
        line.put("segment", read.fetchOffsetMetadata.segmentBaseOffset);
        line.put("position", read.fetchOffsetMetadata.relativePositionInSegment);
        line.put("first_entry_incomplete", read.firstEntryIncomplete);
        Long firstBase = null;
        Long lastOffset = null;
        int complete = 0;
        for (RecordBatch batch : MemoryRecords.readableRecords(bytes.duplicate()).batches()) {
            firstBase = firstBase == null ? Long.valueOf(batch.baseOffset()) : firstBase;
            lastOffset = batch.lastOffset();
            complete++;
        }
        line.put("first_batch_base", firstBase);
        line.put("last_complete_offset", lastOffset);
        line.put("complete_batches", complete);
        if (bytes.hasRemaining()) {
            Json.putBytes(line, "data", bytes);
        }
        if (read.abortedTransactions.isEmpty()) {
            line.putNull("aborted");
            return;
        }
        ArrayNode aborted = line.putArray("aborted");
        for (AbortedTransaction transaction : read.abortedTransactions.get()) {
            aborted.add(Json.pair(transaction.producerId(), transaction.firstOffset()));
        }
    }

    private static ByteBuffer bytes(Records records) throws IOException {
        if (records instanceof MemoryRecords) {
            return ((MemoryRecords) records).buffer().duplicate();
        }
        ByteBuffer buffer = ByteBuffer.allocate(records.sizeInBytes());
        ((FileRecords) records).readInto(buffer, 0);
        return buffer;
    }
}
