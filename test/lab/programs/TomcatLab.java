// The application of the lab for Tomcat: the connector's own defaults, or connectionTimeout as in Debian's server.xml when asked for.
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;

public class TomcatLab {
  public static void main(String[] args) throws Exception {
    Tomcat tomcat = new Tomcat();
    tomcat.setBaseDir(System.getProperty("java.io.tmpdir") + "/lab-tomcat-" + ProcessHandle.current().pid());
    Connector connector = new Connector();
    connector.setPort(Integer.parseInt(args[0]));
    if (args.length > 1) connector.setProperty("connectionTimeout", args[1]);
    tomcat.setConnector(connector);
    var context = tomcat.addContext("", null);
    Tomcat.addServlet(context, "lab", new HttpServlet() {
      @Override
      protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String trace = request.getHeader("X-Amzn-Trace-Id");
        System.out.println("start " + trace);
        request.getInputStream().readAllBytes();
        String work = request.getHeader("X-Lab-Work");
        try {
          Thread.sleep((long) (work == null ? 3 + 10 * Math.random() : Double.parseDouble(work)));
        } catch (InterruptedException stopped) {
          throw new IOException(stopped);
        }
        if ("exit".equals(request.getHeader("X-Lab-Do"))) Runtime.getRuntime().halt(1);
        response.setContentType("application/json");
        response.getWriter().print("{\"items\":\"" + "x".repeat(200) + "\"}");
        System.out.println("end " + trace);
      }
    });
    context.addServletMappingDecoded("/*", "lab");
    tomcat.start();
    tomcat.getServer().await();
  }
}
