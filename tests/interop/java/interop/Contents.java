package interop;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.FileLogInputStream.FileChannelRecordBatch;
import org.apache.kafka.common.record.internal.FileRecords;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;

/**
 * Every batch and every record of the .log files of a partition directory, open or not, in the words of
 * expected/batches.jsonl and records.jsonl: what has its default is left out.
 */
final class Contents {
    private interface Visitor {
        void batch(String file, FileChannelRecordBatch batch);
    }

    private final File home;
    private final ArrayNode lines = Json.array();

    private Contents(File home) {
        this.home = home;
    }

    static ArrayNode batches(File home) throws IOException {
        Contents contents = new Contents(home);
        contents.visit(contents::addBatch);
        return contents.lines;
    }

    static ArrayNode records(File home) throws IOException {
        Contents contents = new Contents(home);
        contents.visit((file, batch) -> contents.addRecords(batch));
        return contents.lines;
    }

    private void visit(Visitor visitor) throws IOException {
        File[] files = home.listFiles((dir, name) -> name.endsWith(".log"));
        if (files == null) {
            throw new IOException("cannot list " + home);
        }
        Arrays.sort(files);
        for (File file : files) {
            try (FileRecords records = FileRecords.open(file, false)) {
                for (FileChannelRecordBatch batch : records.batches()) {
                    visitor.batch(file.getName(), batch);
                }
            }
        }
    }

    private void addBatch(String file, FileChannelRecordBatch batch) {
        ObjectNode line = lines.addObject();
        line.put("partition", home.getName());
        line.put("file", file);
        line.put("position", batch.position());
        line.put("size", batch.sizeInBytes());
        line.put("base_offset", batch.baseOffset());
        line.put("last_offset", batch.lastOffset());
        if (batch.magic() < RecordBatch.MAGIC_VALUE_V2) {
            line.put("magic", batch.magic());
        } else {
            line.put("count", batch.countOrNull());
            line.put("leader_epoch", batch.partitionLeaderEpoch());
        }
        if (!batch.isValid()) {
            line.put("valid", false);
        }
        if (hasProducerFields(batch)) {
            line.put("producer_id", batch.producerId());
            line.put("producer_epoch", batch.producerEpoch());
            line.put("base_sequence", batch.baseSequence());
        }
        if (batch.isTransactional()) {
            line.put("transactional", true);
        }
        if (batch.isControlBatch()) {
            line.put("control", true);
        }
        if (batch.deleteHorizonMs().isPresent()) {
            line.put("delete_horizon_ms", batch.deleteHorizonMs().getAsLong());
        }
        putCodec(line, batch);
        putTimestampType(line, batch);
        line.put("max_timestamp", batch.maxTimestamp());
        line.put("crc", batch.checksum());
    }

    private void addRecords(RecordBatch batch) {
        if (!batch.isValid()) {
            lines.addObject().put("partition", home.getName()).put("batch_base_offset", batch.baseOffset())
                .put("error", "checksum");
            return;
        }
        for (Record record : batch) {
            addRecord(batch, record);
        }
    }

    private void addRecord(RecordBatch batch, Record record) {
        ObjectNode line = lines.addObject();
        line.put("partition", home.getName());
        line.put("offset", record.offset());
        line.put("timestamp", record.timestamp());
        putTimestampType(line, batch);
        Json.putBytes(line, "key", record.key());
        Json.putBytes(line, "value", record.value());
        if (record.headers().length > 0) {
            ArrayNode headers = line.putArray("headers");
            for (Header header : record.headers()) {
                byte[] value = header.value();
                Json.putBytes(headers.addObject().put("key", header.key()), "value",
                    value == null ? null : ByteBuffer.wrap(value));
            }
        }
        if (hasProducerFields(batch)) {
            line.put("producer_id", batch.producerId());
            line.put("producer_epoch", batch.producerEpoch());
            line.put("sequence", record.sequence());
        }
        line.put("leader_epoch", batch.partitionLeaderEpoch());
        putControl(line, batch, record);
        if (batch.isTransactional()) {
            line.put("is_transactional", true);
        }
        putCodec(line, batch);
        if (batch.magic() < RecordBatch.MAGIC_VALUE_V2) {
            line.put("magic", batch.magic());
        }
        line.put("batch_base_offset", batch.baseOffset());
    }

    /** Offset commits carry a sequence without a producer. */
    private static boolean hasProducerFields(RecordBatch batch) {
        return batch.hasProducerId() || batch.producerEpoch() != RecordBatch.NO_PRODUCER_EPOCH
            || batch.baseSequence() != RecordBatch.NO_SEQUENCE;
    }

    private static void putControl(ObjectNode line, RecordBatch batch, Record record) {
        if (!batch.isControlBatch()) {
            return;
        }
        line.put("is_control", true);
        ControlRecordType type = ControlRecordType.parse(record.key());
        line.put("control_type", type.name());
        if (type == ControlRecordType.ABORT || type == ControlRecordType.COMMIT) {
            line.put("coordinator_epoch", EndTransactionMarker.deserialize(record).coordinatorEpoch());
        }
    }

    private static void putCodec(ObjectNode line, RecordBatch batch) {
        if (batch.compressionType() != CompressionType.NONE) {
            line.put("codec", batch.compressionType().name);
        }
    }

    private static void putTimestampType(ObjectNode line, RecordBatch batch) {
        if (batch.timestampType() != TimestampType.CREATE_TIME) {
            line.put("timestamp_type", batch.timestampType().name);
        }
    }
}
