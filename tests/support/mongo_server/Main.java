import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.util.List;

/** Serves MongoDB's protocol from memory on a free port of 127.0.0.1, prints the port, ends with its standard input. */
public class Main {
    public static void main(String[] arguments) throws Exception {
        // What it announces by itself is older than the driver accepts.
        MongoVersion version = new MongoVersion() {
            public List<Integer> getVersionArray() { return List.of(7, 0, 0); }
            public int getWireVersion() { return 21; }
        };
        MongoServer server = new MongoServer(new MemoryBackend().version(version));
        server.bind("127.0.0.1", 0);
        System.out.println(server.getLocalAddress().getPort());
        while (System.in.read() != -1) { }
        server.shutdownNow();
    }
}
