// Runs one real OpenSearch node inside this JVM, with settings given as name=value arguments.
// Its own launcher is not used: that one refuses root and wants the distribution's folders.

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.opensearch.common.logging.LogConfigurator;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.http.HttpServerTransport;
import org.opensearch.node.Node;
import org.opensearch.transport.Netty4Plugin;

public class OpenSearchPeer extends Node {
  private OpenSearchPeer(Environment env) {
    super(env, List.of(Netty4Plugin.class), true);
  }

  public static void main(String[] args) throws Exception {
    Settings.Builder builder = Settings.builder();
    for (String arg : args) {
      int equals = arg.indexOf('=');
      builder.put(arg.substring(0, equals), arg.substring(equals + 1));
    }
    Settings settings = builder.build();
    Environment env = new Environment(settings, Path.of(settings.get("path.home"), "config"));
    LogConfigurator.registerErrorListener();
    LogConfigurator.configure(env);
    Node node = new OpenSearchPeer(env);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node)));
    node.start();
    tellPort(node, env.logsFile().resolve("port"));
    // The starter holds our standard input open; when it dies, however it dies, this ends too.
    while (System.in.read() != -1) {
      continue;
    }
    System.exit(0);
  }

  /** The file appears whole or not at all, so its reader needs no retry. */
  private static void tellPort(Node node, Path file) throws IOException {
    int port = node.injector().getInstance(HttpServerTransport.class).boundAddress().publishAddress().getPort();
    Path half = file.resolveSibling("port.half");
    Files.writeString(half, Integer.toString(port));
    Files.move(half, file, StandardCopyOption.ATOMIC_MOVE);
  }

  private static void close(Node node) {
    try {
      node.close();
    } catch (IOException error) {
      error.printStackTrace();
    }
  }
}
