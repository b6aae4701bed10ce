// The application of the lab for Jetty, with the connector's own defaults.
import java.io.IOException;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.handler.AbstractHandler;

public class JettyLab {
  public static void main(String[] args) throws Exception {
    Server server = new Server(Integer.parseInt(args[0]));
    server.setHandler(new AbstractHandler() {
      @Override
      public void handle(String target, Request base, HttpServletRequest request, HttpServletResponse response)
          throws IOException {
        String trace = request.getHeader("X-Amzn-Trace-Id");
        System.out.println("start " + trace);
        request.getInputStream().readAllBytes();
        String work = request.getHeader("X-Lab-Work");
        try {
          Thread.sleep((long) (work == null ? 3 + 10 * Math.random() : Double.parseDouble(work)));
        } catch (InterruptedException stopped) {
          throw new IOException(stopped);
        }
        response.setContentType("application/json");
        response.getWriter().print("{\"items\":\"" + "x".repeat(200) + "\"}");
        base.setHandled(true);
        System.out.println("end " + trace);
      }
    });
    server.start();
    server.join();
  }
}
