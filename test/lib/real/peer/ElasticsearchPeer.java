// Runs one real Elasticsearch node inside this JVM, with settings given as name=value arguments.
// Its own launcher is not used: that one refuses root and wants the distribution's folders.

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.Set;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.http.HttpServerTransport;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

public class ElasticsearchPeer {
  public static void main(String[] args) throws Exception {
    Settings.Builder builder = Settings.builder();
    for (String arg : args) {
      int equals = arg.indexOf('=');
      builder.put(arg.substring(0, equals), arg.substring(equals + 1));
    }
    Settings settings = builder.build();
    Environment env = new Environment(settings, Path.of(settings.get("path.home"), "config"));
    LogConfigurator.registerErrorListener();
    LogConfigurator.configure(env, true);
    Node node = new Node(env, modules(env));
    Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node)));
    node.start();
    tellPort(node, env.logsDir().resolve("port"));
    // The starter holds our standard input open; when it dies, however it dies, this ends too.
    while (System.in.read() != -1) {
      continue;
    }
    System.exit(0);
  }

  /** Exports to named modules are off: the server is on the class path here, not on the module path. */
  private static PluginsLoader modules(Environment env) throws IOException {
    return PluginsLoader.createPluginsLoader(
        PluginsLoader.loadModulesBundles(env.modulesDir()), Set.of(), Map.of(), false);
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
