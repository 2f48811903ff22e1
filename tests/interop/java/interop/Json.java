package interop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** The few things jobs and answers need of JSON. Bytes travel as base64, null as null. */
final class Json {
    static final ObjectMapper MAPPER = new ObjectMapper();

    private Json() {
    }

    static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    static ArrayNode array() {
        return MAPPER.createArrayNode();
    }

    static ArrayNode pair(long first, long second) {
        return array().add(first).add(second);
    }

    static boolean has(JsonNode node, String name) {
        return node.hasNonNull(name);
    }

    static long number(JsonNode node, String name, long otherwise) {
        return has(node, name) ? node.get(name).asLong() : otherwise;
    }

    static String text(JsonNode node, String name, String otherwise) {
        return has(node, name) ? node.get(name).asText() : otherwise;
    }

    static String required(JsonNode node, String name) {
        if (!has(node, name)) {
            throw new IllegalArgumentException("a job without \"" + name + "\"");
        }
        return node.get(name).asText();
    }

    static List<JsonNode> list(JsonNode node, String name) {
        List<JsonNode> elements = new ArrayList<>();
        if (has(node, name)) {
            node.get(name).forEach(elements::add);
        }
        return elements;
    }

    /** The bytes of `name` (base64) or of `name`_s (text); null if there is neither. */
    static byte[] bytes(JsonNode node, String name) {
        if (has(node, name)) {
            return Base64.getDecoder().decode(node.get(name).asText());
        }
        if (has(node, name + "_s")) {
            return node.get(name + "_s").asText().getBytes(StandardCharsets.UTF_8);
        }
        return null;
    }

    static void putBytes(ObjectNode node, String name, ByteBuffer bytes) {
        if (bytes == null) {
            node.putNull(name);
            return;
        }
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        node.put(name, Base64.getEncoder().encodeToString(copy));
    }
}
