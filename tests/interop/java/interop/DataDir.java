package interop;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.server.util.FileLock;
import org.apache.kafka.storage.internals.checkpoint.CleanShutdownFileHandler;
import org.apache.kafka.storage.internals.checkpoint.OffsetCheckpointFile;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.LogDirFailureChannel;
import org.apache.kafka.storage.internals.log.LogOffsetsListener;
import org.apache.kafka.storage.internals.log.LogSegment;
import org.apache.kafka.storage.internals.log.ProducerStateManagerConfig;
import org.apache.kafka.storage.internals.log.UnifiedLog;
import org.apache.kafka.storage.log.metrics.BrokerTopicStats;

/**
 * A data directory, opened and closed the way a broker does it: lock, clean-shutdown marker, recovery points
 * and log starts before the logs are loaded; flush, close, checkpoints and marker, in this order, afterwards.
 * Every log is the only replica of its partition: its high watermark follows the log end.
 */
final class DataDir {
    private static final int MAX_TRANSACTION_TIMEOUT_MS = 15 * 60 * 1000;
    private static final int PRODUCER_ID_EXPIRATION_MS = 24 * 60 * 60 * 1000;
    private static final int PRODUCER_ID_CHECK_INTERVAL_MS = 10 * 60 * 1000;

    private final File dir;
    private final Map<String, String> defaults;
    private final ManualTime time = new ManualTime();
    private final InlineScheduler scheduler = new InlineScheduler();
    private final LogDirFailureChannel failures = new LogDirFailureChannel(8);
    private final BrokerTopicStats stats = new BrokerTopicStats();
    private final Map<TopicPartition, UnifiedLog> logs = new TreeMap<>(
        Comparator.comparing(TopicPartition::topic).thenComparing(TopicPartition::partition));
    private final CleanShutdownFileHandler marker;
    private final FileLock lock;
    private final boolean wasClean;
    private final Map<TopicPartition, Long> recoveryPoints;
    private final Map<TopicPartition, Long> logStarts;
    private final Map<TopicPartition, Long> highWatermarks;

    DataDir(File dir, Map<String, String> defaults, long nowMs) throws Exception {
        this.dir = dir;
        this.defaults = defaults;
        time.set(nowMs);
        Files.createDirectories(dir.toPath());
        lock = new FileLock(new File(dir, ".lock"));
        if (!lock.tryLock()) {
            lock.destroy();
            throw new IllegalStateException("another process holds the lock of " + dir);
        }
        marker = new CleanShutdownFileHandler(dir.getPath());
        wasClean = marker.exists();
        marker.delete();
        recoveryPoints = new HashMap<>(checkpoint("recovery-point-offset-checkpoint").read());
        logStarts = new HashMap<>(checkpoint("log-start-offset-checkpoint").read());
        highWatermarks = new HashMap<>(checkpoint("replication-offset-checkpoint").read());
    }

    ManualTime time() {
        return time;
    }

    boolean wasClean() {
        return wasClean;
    }

    UnifiedLog create(String partition, String topicId, Map<String, String> config) throws IOException {
        File home = new File(dir, partition);
        Files.createDirectory(home.toPath());
        Uuid id = topicId == null ? Uuid.randomUuid() : Uuid.fromString(topicId);
        return load(home, Optional.of(id), config);
    }

    UnifiedLog load(String partition, Map<String, String> config) throws IOException {
        File home = new File(dir, partition);
        if (!home.isDirectory()) {
            throw new IllegalArgumentException("no partition directory " + home);
        }
        return load(home, Optional.empty(), config);
    }

    private UnifiedLog load(File home, Optional<Uuid> topicId, Map<String, String> own) throws IOException {
        TopicPartition name = UnifiedLog.parseTopicPartitionName(home);
        if (logs.containsKey(name)) {
            throw new IllegalStateException(name + " is loaded already");
        }
        Map<String, String> config = new HashMap<>(defaults);
        config.putAll(own);
        UnifiedLog log = UnifiedLog.create(home, new LogConfig(config), logStarts.getOrDefault(name, 0L),
            recoveryPoints.getOrDefault(name, 0L), scheduler, stats, time, MAX_TRANSACTION_TIMEOUT_MS,
            new ProducerStateManagerConfig(PRODUCER_ID_EXPIRATION_MS, false), PRODUCER_ID_CHECK_INTERVAL_MS,
            failures, wasClean, topicId, new ConcurrentHashMap<>(), false,
            LogOffsetsListener.NO_OP_OFFSETS_LISTENER);
        log.updateHighWatermark(highWatermarks.getOrDefault(name, 0L));
        log.updateHighWatermark(log.logEndOffset());
        lookAtTimestamps(log);
        logs.put(name, log);
        return log;
    }

    /**
     * As the first retention check does. A segment that nobody asked for its largest timestamp before it is
     * truncated forgets it, and with it the closing entry of its time index.
     */
    private static void lookAtTimestamps(UnifiedLog log) throws IOException {
        for (LogSegment segment : log.logSegments()) {
            segment.largestTimestamp();
        }
    }

    UnifiedLog log(String partition) throws IOException {
        UnifiedLog log = logs.get(UnifiedLog.parseTopicPartitionName(new File(dir, partition)));
        if (log == null) {
            throw new IllegalArgumentException(partition + " is not loaded");
        }
        return log;
    }

    /** A clean close flushes everything and writes checkpoints and marker; any other drops what is in memory. */
    void close(boolean clean) throws Exception {
        for (Map.Entry<TopicPartition, UnifiedLog> entry : logs.entrySet()) {
            UnifiedLog log = entry.getValue();
            if (clean) {
                log.flush(true);
                log.close();
                remember(entry.getKey(), log);
            } else {
                log.closeHandlers();
            }
        }
        if (clean) {
            checkpoint("recovery-point-offset-checkpoint").write(recoveryPoints);
            checkpoint("log-start-offset-checkpoint").write(logStarts);
            checkpoint("replication-offset-checkpoint").write(highWatermarks);
            marker.write(-1);
        }
        lock.unlockAndClose();
        stats.close();
    }

    private void remember(TopicPartition name, UnifiedLog log) {
        recoveryPoints.put(name, log.recoveryPoint());
        highWatermarks.put(name, log.highWatermark());
        if (log.logStartOffset() > log.logSegments().get(0).baseOffset()) {
            logStarts.put(name, log.logStartOffset());
        } else {
            logStarts.remove(name);
        }
    }

    private OffsetCheckpointFile checkpoint(String name) throws IOException {
        return new OffsetCheckpointFile(new File(dir, name), failures);
    }
}
