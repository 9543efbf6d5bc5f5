import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Base64;

/** Posts what each line of the input says, with the client as it comes: it offers HTTP/2. */
public class Post {
    public static void main(String[] arguments) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        BufferedReader asks = new BufferedReader(new InputStreamReader(System.in));
        for (String line = asks.readLine(); line != null; line = asks.readLine()) {
            String[] ask = line.split(" ");
            HttpRequest request = HttpRequest.newBuilder(URI.create(ask[0]))
                .header("content-type", "application/json")
                .header("authorization", "Bearer " + (ask[1].equals("-") ? "" : ask[1]))
                .POST(HttpRequest.BodyPublishers.ofByteArray(Base64.getDecoder().decode(ask[2])))
                .build();
            String status = "-1";
            ByteArrayOutputStream said = new ByteArrayOutputStream();
            try {
                HttpResponse<InputStream> response = client.send(request, HttpResponse.BodyHandlers.ofInputStream());
                try (InputStream body = response.body()) {
                    body.transferTo(said);
                }
                status = String.valueOf(response.statusCode());
            } catch (IOException error) {
                said.write(String.valueOf(error).getBytes("UTF-8"));
            }
            System.out.println(status + " " + Base64.getEncoder().encodeToString(said.toByteArray()));
        }
    }
}
