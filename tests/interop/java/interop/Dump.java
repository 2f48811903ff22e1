package interop;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.tools.DumpLogSegments;

/** kafka-dump-log in this process, its two streams caught. */
final class Dump {
    private Dump() {
    }

    static ObjectNode run(String[] arguments) {
        PrintStream stdout = System.out;
        PrintStream stderr = System.err;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        ObjectNode answer = Json.object();
        System.setOut(new PrintStream(out, false, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(err, false, StandardCharsets.UTF_8));
        try {
            DumpLogSegments.main(arguments);
            answer.putNull("exception");
        } catch (Exception e) {
            answer.put("exception", e.toString());
        } finally {
            System.out.flush();
            System.err.flush();
            System.setOut(stdout);
            System.setErr(stderr);
        }
        answer.put("out", out.toString(StandardCharsets.UTF_8));
        return answer.put("err", err.toString(StandardCharsets.UTF_8));
    }
}
