package interop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.utils.AppInfoParser;
import org.apache.kafka.storage.internals.log.UnifiedLog;

/**
 * Apache Kafka's own log classes behind a line protocol: one job (a JSON object) per line of standard input,
 * one answer per line of standard output. The jobs are listed in ../README.md. A job that fails is answered
 * by {"failed": ...} and leaves the process running.
 */
public final class Driver {
    private final Map<String, DataDir> dirs = new HashMap<>();

    private Driver() {
    }

    public static void main(String[] arguments) throws IOException {
        PrintStream answers = System.out;
        System.setOut(System.err);
        BufferedReader jobs = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Driver driver = new Driver();
        for (String line = jobs.readLine(); line != null; line = jobs.readLine()) {
            byte[] answer = (driver.answer(line).toString() + "\n").getBytes(StandardCharsets.UTF_8);
            answers.write(answer);
            answers.flush();
        }
    }

    private ObjectNode answer(String line) {
        try {
            return run(Json.MAPPER.readTree(line));
        } catch (Exception e) {
            e.printStackTrace();
            return Json.object().put("failed", e.toString());
        }
    }

    private ObjectNode run(JsonNode job) throws Exception {
        String verb = Json.required(job, "job");
        switch (verb) {
            case "version":
                return Json.object().put("version", AppInfoParser.getVersion());
            case "open":
                return open(job);
            case "close":
                return close(job);
            case "create":
                dir(job).create(partition(job), Json.text(job, "topic_id", null), config(job));
                return Json.object();
            case "load":
                dir(job).load(partition(job), config(job));
                return Json.object();
            case "dump":
                return dump(job);
            case "records":
                return lines(Contents.records(home(job)));
            case "batches":
                return lines(Contents.batches(home(job)));
            default:
                return ask(verb, job, dir(job).log(partition(job)));
        }
    }

    private static ObjectNode dump(JsonNode job) {
        return Dump.run(Json.list(job, "arguments").stream().map(JsonNode::asText).toArray(String[]::new));
    }

    private ObjectNode ask(String verb, JsonNode job, UnifiedLog log) throws Exception {
        ArrayNode lines = Json.array();
        switch (verb) {
            case "apply":
                for (JsonNode line : Json.list(job, "ops")) {
                    lines.add(new Script(log, dir(job).time()).apply(line));
                }
                return lines(lines);
            case "state":
                return lines(lines.add(State.of(log)));
            case "lookups":
                for (JsonNode timestamp : Json.list(job, "timestamps")) {
                    lines.add(Queries.lookup(log, timestamp.asLong()));
                }
                return lines(lines);
            case "reads":
                for (JsonNode read : Json.list(job, "reads")) {
                    lines.add(Queries.read(log, read));
                }
                return lines(lines);
            case "epochs":
                for (JsonNode epoch : Json.list(job, "epochs")) {
                    lines.add(Queries.epoch(log, epoch.asInt()));
                }
                return lines(lines);
            default:
                throw new IllegalArgumentException("job " + verb);
        }
    }

    private ObjectNode open(JsonNode job) throws Exception {
        String path = Json.required(job, "dir");
        if (dirs.containsKey(path)) {
            throw new IllegalStateException(path + " is open already");
        }
        DataDir dir = new DataDir(new File(path), config(job), Json.number(job, "now", 0));
        dirs.put(path, dir);
        return Json.object().put("clean", dir.wasClean());
    }

    private ObjectNode close(JsonNode job) throws Exception {
        DataDir dir = dir(job);
        dirs.remove(Json.required(job, "dir"));
        dir.close(job.path("clean").asBoolean(true));
        return Json.object();
    }

    private DataDir dir(JsonNode job) {
        DataDir dir = dirs.get(Json.required(job, "dir"));
        if (dir == null) {
            throw new IllegalArgumentException(job.get("dir").asText() + " is not open");
        }
        return dir;
    }

    private static File home(JsonNode job) {
        return new File(Json.required(job, "dir"), partition(job));
    }

    private static String partition(JsonNode job) {
        return Json.required(job, "partition");
    }

    private static Map<String, String> config(JsonNode job) {
        Map<String, String> config = new HashMap<>();
        for (Map.Entry<String, JsonNode> setting : job.path("config").properties()) {
            config.put(setting.getKey(), setting.getValue().asText());
        }
        return config;
    }

    private static ObjectNode lines(ArrayNode lines) {
        ObjectNode answer = Json.object();
        answer.set("lines", lines);
        return answer;
    }
}
