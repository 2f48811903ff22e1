package interop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.server.common.RequestLocal;
import org.apache.kafka.server.common.TransactionVersion;
import org.apache.kafka.storage.internals.log.AppendOrigin;
import org.apache.kafka.storage.internals.log.LogAppendInfo;
import org.apache.kafka.storage.internals.log.LogStartOffsetIncrementReason;
import org.apache.kafka.storage.internals.log.RecordValidationException;
import org.apache.kafka.storage.internals.log.UnifiedLog;
import org.apache.kafka.storage.internals.log.VerificationGuard;

/**
 * Applies the lines of a script (tests/data/kafka, scripts/*.jsonl) to a log, one change a line, and
 * answers each in the words of *.results.jsonl.
 */
final class Script {
    private static final int BUFFER_BYTES = 1 << 16;

    private final UnifiedLog log;
    private final ManualTime time;

    Script(UnifiedLog log, ManualTime time) {
        this.log = log;
        this.time = time;
    }

    ObjectNode apply(JsonNode line) throws IOException {
        if (Json.has(line, "now")) {
            time.set(line.get("now").asLong());
        }
        String op = Json.required(line, "op");
        ObjectNode result = Json.object().put("op", op);
        long endBefore = log.logEndOffset();
        boolean duplicate = false;
        try {
            LogAppendInfo info = change(op, line, result);
            result.putNull("error");
            if (info != null) {
                duplicate = log.logEndOffset() == endBefore;
                result.put("first_offset", info.firstOffset()).put("last_offset", info.lastOffset());
                result.put("log_append_time", info.logAppendTime()).put("max_timestamp", info.maxTimestamp());
            }
        } catch (IllegalArgumentException e) {
            throw e;
        } catch (RuntimeException e) {
            putError(result, e);
        }
        log.updateHighWatermark(log.logEndOffset());
        result.put("duplicate", duplicate);
        result.put("log_end_offset", log.logEndOffset());
        result.put("last_stable_offset", log.lastStableOffset());
        return result;
    }

    private static void putError(ObjectNode result, RuntimeException thrown) {
        RuntimeException e = thrown instanceof RecordValidationException
            ? ((RecordValidationException) thrown).invalidException() : thrown;
        result.put("error", Errors.forException(e).name());
        result.put("exception", e.getClass().getSimpleName());
        result.put("message", e.getMessage());
    }

    private LogAppendInfo change(String op, JsonNode line, ObjectNode result) throws IOException {
        switch (op) {
            case "batch":
                return append(batch(line), line, "client", TransactionVersion.TV_UNKNOWN);
            case "marker":
                return append(marker(line), line, "coordinator", TransactionVersion.TV_0.featureLevel());
            case "bytes":
                return append(bytes(line), line, "client", TransactionVersion.TV_UNKNOWN);
            case "leader_epoch":
                log.assignEpochStartOffset((int) Json.number(line, "epoch", 0), log.logEndOffset());
                return null;
            case "roll":
                log.roll();
                return null;
            case "flush":
                log.flush(false);
                return null;
            case "log_start":
                result.put("changed", log.maybeIncrementLogStartOffset(Json.number(line, "offset", 0),
                    LogStartOffsetIncrementReason.ClientRecordDeletion));
                return null;
            case "delete_segments":
                log.deleteOldSegments();
                return null;
            case "truncate":
                log.truncateTo(Json.number(line, "offset", 0));
                return null;
            case "truncate_fully":
                log.truncateFullyAndStartAt(Json.number(line, "offset", 0), Optional.empty());
                return null;
            default:
                throw new IllegalArgumentException("op " + op);
        }
    }

    private LogAppendInfo append(MemoryRecords records, JsonNode line, String usualOrigin, short usualVersion) {
        String name = Json.text(line, "origin", usualOrigin).toUpperCase(Locale.ROOT);
        AppendOrigin origin = AppendOrigin.valueOf(name);
        if (origin == AppendOrigin.REPLICATION) {
            return log.appendAsFollower(records, (int) Json.number(line, "leader_epoch", Integer.MAX_VALUE));
        }
        short version = (short) Json.number(line, "txn_version", usualVersion);
        int leaderEpoch = (int) Json.number(line, "leader_epoch", log.latestEpoch().orElse(0));
        return log.appendAsLeader(records, leaderEpoch, origin, RequestLocal.noCaching(),
            VerificationGuard.SENTINEL, version);
    }

    private MemoryRecords batch(JsonNode line) {
        long base = Json.number(line, "base_offset", 0);
        MemoryRecordsBuilder builder = MemoryRecords.builder(ByteBuffer.allocate(BUFFER_BYTES),
            RecordBatch.CURRENT_MAGIC_VALUE, Compression.of(Json.text(line, "codec", "none")).build(),
            TimestampType.CREATE_TIME, base, RecordBatch.NO_TIMESTAMP,
            Json.number(line, "producer_id", RecordBatch.NO_PRODUCER_ID),
            (short) Json.number(line, "producer_epoch", RecordBatch.NO_PRODUCER_EPOCH),
            (int) Json.number(line, "base_sequence", RecordBatch.NO_SEQUENCE),
            line.path("transactional").asBoolean(false),
            (int) Json.number(line, "leader_epoch", RecordBatch.NO_PARTITION_LEADER_EPOCH));
        for (JsonNode record : Json.list(line, "records")) {
            builder.append(Json.number(record, "timestamp", RecordBatch.NO_TIMESTAMP), Json.bytes(record, "key"),
                Json.bytes(record, "value"), headers(record));
        }
        return builder.build();
    }

    private static MemoryRecords bytes(JsonNode line) {
        return MemoryRecords.readableRecords(ByteBuffer.wrap(Json.bytes(line, "bytes")));
    }

    private static Header[] headers(JsonNode record) {
        List<Header> headers = new ArrayList<>();
        for (JsonNode header : Json.list(record, "headers")) {
            headers.add(new RecordHeader(Json.required(header, "key"), Json.bytes(header, "value")));
        }
        return headers.toArray(new Header[0]);
    }

    private MemoryRecords marker(JsonNode line) {
        ControlRecordType type = "commit".equals(Json.required(line, "type"))
            ? ControlRecordType.COMMIT : ControlRecordType.ABORT;
        return MemoryRecords.withEndTransactionMarker(0, Json.number(line, "timestamp", time.milliseconds()),
            RecordBatch.NO_PARTITION_LEADER_EPOCH, Json.number(line, "producer_id", RecordBatch.NO_PRODUCER_ID),
            (short) Json.number(line, "producer_epoch", RecordBatch.NO_PRODUCER_EPOCH),
            new EndTransactionMarker(type, (int) Json.number(line, "coordinator_epoch", 0)));
    }
}
