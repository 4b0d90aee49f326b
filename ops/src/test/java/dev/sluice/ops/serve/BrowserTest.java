package dev.sluice.ops.serve;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import akka.NotUsed;
import akka.stream.javadsl.Source;
import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.assertions.PlaywrightAssertions;
import com.microsoft.playwright.options.ColorScheme;
import dev.sluice.ops.TestServer;
import dev.sluice.ops.serve.http.KeyFile;
import dev.sluice.stages.flow.FinishReason;
import dev.sluice.stages.flow.Timings;
import dev.sluice.stages.flow.TokenEvent;
import dev.sluice.stages.flow.TokenRequest;
import dev.sluice.stages.flow.Usage;
import dev.sluice.stages.sampling.TokenLogit;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The page in a real browser, Debian's chromium; skipped where there is none. Pictures of it are
 * left in target/screenshots, to be looked at.
 */
@Timeout(300)
class BrowserTest {
  private static final double PATIENCE = 60_000;
  private static final Path PICTURES = Path.of("target/screenshots");
  private static final String TEXT =
      """
      ## Plan

      First **two** things, then `three`:

      - one
      - two

      <img src=x onerror=alert(1)>\
      """;

  private static Playwright playwright;
  private static Browser browser;

  private final AtomicInteger ended = new AtomicInteger();

  @TempDir private Path folder = Path.of("");

  @BeforeAll
  static void start() {
    Optional<Path> chromium =
        Stream.of(System.getenv("PATH").split(":"))
            .flatMap(
                place -> Stream.of("chromium", "chromium-browser").map(Path.of(place)::resolve))
            .filter(Files::isExecutable)
            .findFirst();
    assumeThat(chromium).describedAs("chromium is installed").isPresent();
    playwright =
        Playwright.create(
            new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
    browser =
        playwright
            .chromium()
            .launch(
                new BrowserType.LaunchOptions()
                    .setExecutablePath(chromium.get())
                    .setTimeout(PATIENCE)
                    .setArgs(List.of("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")));
    PlaywrightAssertions.setDefaultAssertionTimeout(PATIENCE);
  }

  @AfterAll
  static void stop() {
    if (playwright != null) {
      playwright.close();
    }
  }

  /** A tab of the browser; at the end nothing may have gone wrong in it. */
  private record Tab(BrowserContext context, Page page, List<String> complaints)
      implements AutoCloseable {
    @Override
    public void close() {
      context.close();
      assertThat(complaints).isEmpty();
    }
  }

  private static Tab open(TestServer server, ColorScheme scheme, int width, int height) {
    List<String> complaints = Collections.synchronizedList(new ArrayList<>());
    BrowserContext context =
        browser.newContext(
            new Browser.NewContextOptions().setColorScheme(scheme).setViewportSize(width, height));
    Page page = context.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.onConsoleMessage(
        message -> {
          if (message.type().equals("error") && !message.text().contains("status of 401")) {
            complaints.add(message.text());
          }
        });
    page.onPageError(complaints::add);
    page.onRequest(
        request -> {
          if (!request.url().startsWith(server.url() + "/")) {
            complaints.add("asked for " + request.url());
          }
        });
    page.navigate(server.url() + "/");
    return new Tab(context, page, complaints);
  }

  private static Tab open(TestServer server) {
    return open(server, ColorScheme.LIGHT, 1300, 850);
  }

  private static void picture(Page page, String name) {
    page.screenshot(new Page.ScreenshotOptions().setPath(PICTURES.resolve(name + ".png")));
  }

  /** Says a text that is known, one byte a token, and perhaps does not end. */
  private Source<TokenEvent, NotUsed> says(
      TestServer server, TokenRequest request, String text, boolean ends) {
    int[] ids = server.tokenizer().encode(text, false, false);
    List<TokenEvent> events = new ArrayList<>();
    for (int i = 0; i < ids.length; i++) {
      List<TokenLogit> top =
          List.of(new TokenLogit(ids[i], 2), new TokenLogit(70, 1), new TokenLogit(71, 0));
      events.add(new TokenEvent.Token(ids[i], request.promptLength() + i, 2, 2.5f, top));
    }
    events.add(3, new TokenEvent.Recovered(3, Duration.ofMillis(812)));
    if (ends) {
      events.add(
          new TokenEvent.Finished(
              FinishReason.STOP,
              new Usage(request.promptLength(), ids.length, 0),
              new Timings(1, 1, 1)));
    }
    Source<TokenEvent, ?> rest = ends ? Source.empty() : Source.maybe();
    return Source.from(events)
        .concat(rest)
        .watchTermination(
            (_, end) -> {
              end.whenComplete((_, _) -> ended.incrementAndGet());
              return NotUsed.getInstance();
            });
  }

  private static void say(Page page, String text) {
    page.locator("#prompt").fill(text);
    page.locator("#prompt").press("Enter");
  }

  @Test
  void shouldChatWithARealModelAndShowItsPipeline() {
    try (TestServer server = TestServer.start(2);
        Tab tab = open(server)) {
      Page page = tab.page();
      assertThat(page.locator("#status")).hasText("serving");
      assertThat(page.locator("#model")).hasText(TestServer.MODEL);
      assertThat(page.locator(".stage")).hasCount(1);
      say(page, "ab ba");
      assertThat(page.locator(".assistant:not(.busy)")).hasCount(1);
      assertThat(page.locator(".facts")).containsText("tokens");
      assertThat(page.locator("#first")).not().hasText("–");
      assertThat(page.locator(".stage .batches")).containsText("micro-batches/s");
      assertThat(page.locator("#timeline svg")).hasCount(1);
      picture(page, "real");
    }
  }

  @Test
  void shouldShowMarkdownHarmlesslyAndWhatTokensMightHaveBeen() {
    try (TestServer server = TestServer.start(1, settings -> settings);
        Tab tab = open(server)) {
      server.load(request -> says(server, request, TEXT, true));
      Page page = tab.page();
      assertThat(page.locator("#status")).hasText("serving");
      say(page, "<b>plain</b>");
      assertThat(page.locator(".assistant:not(.busy)")).hasCount(1);
      assertThat(page.locator(".user .body")).hasText("<b>plain</b>");
      Locator body = page.locator(".assistant .body");
      assertThat(body.locator("h2")).hasText("Plan");
      assertThat(body.locator("strong")).hasText("two");
      assertThat(body.locator("code")).hasText("three");
      assertThat(body.locator("li")).hasCount(2);
      assertThat(body.locator("img")).hasCount(0);
      assertThat(body).containsText("<img src=x onerror=alert(1)>");
      assertThat(page.locator(".facts")).containsText("went on after a loss at token 3, 812 ms");
      assertThat(page.locator("#moments")).containsText("a stream went on after 812 ms");

      body.locator("strong .token").first().hover();
      Locator card = page.locator("#token-card");
      assertThat(card).isVisible();
      assertThat(card.locator("li")).hasCount(3);
      assertThat(card.locator(".chosen code")).hasText("t");
      assertThat(card.locator(".chosen .share")).hasText("61 %");
      picture(page, "token");

      page.mouse().move(0, 0);
      assertThat(card).isHidden();
      body.focus();
      body.press("ArrowRight");
      assertThat(card.locator(".chosen code")).hasText("P");
      body.press("Escape");
      assertThat(card).isHidden();
    }
  }

  @Test
  void shouldStopAndRegenerate() {
    try (TestServer server = TestServer.start(1, settings -> settings);
        Tab tab = open(server)) {
      List<Long> seeds = Collections.synchronizedList(new ArrayList<>());
      server.load(
          request -> {
            seeds.add(request.sampling().seed());
            return says(server, request, "answer " + seeds.size(), seeds.size() > 1);
          });
      Page page = tab.page();
      assertThat(page.locator("#status")).hasText("serving");
      page.locator("#controls-button").click();
      page.locator(".seed input").fill("41");
      say(page, "ab");
      assertThat(page.locator(".assistant .body")).hasText("answer 1");
      assertThat(page.locator("#send")).hasText("Stop");
      page.keyboard().press("Escape");
      assertThat(page.locator(".facts")).containsText("stopped");
      await().atMost(Duration.ofSeconds(60)).until(() -> ended.get() == 1);
      page.getByText("Regenerate").click();
      assertThat(page.locator(".assistant .body")).hasText("answer 2");
      assertThat(page.locator(".facts")).containsText("seed 42");
      assertThat(page.locator("#send")).hasText("Send");
      assertThat(seeds).containsExactly(41L, 42L);
      page.locator("#clear").click();
      assertThat(page.locator(".message")).hasCount(0);
      assertThat(page.locator("#welcome")).isVisible();
    }
  }

  @Test
  void shouldAskForAKeyAndKeepItForTheTabOnly() throws Exception {
    String key = KeyFile.newKey();
    Path file = folder.resolve("keys.conf");
    Files.writeString(file, KeyFile.line("one", key) + "\nkeys.one.scopes = [generate, watch]\n");
    KeyFile keys = KeyFile.open(file, System::nanoTime);
    try (TestServer server = TestServer.start(1, settings -> settings.withKeys(keys));
        Tab tab = open(server)) {
      server.load(request -> says(server, request, "hello", true));
      Page page = tab.page();
      assertThat(page.locator("#key-dialog")).isVisible();
      page.locator("#key-field").fill("wrong");
      page.locator("#key-field").press("Enter");
      assertThat(page.locator("#key-why")).containsText("not known");
      page.locator("#key-field").fill(key);
      page.locator("#key-field").press("Enter");
      assertThat(page.locator("#status")).hasText("serving");
      say(page, "ab");
      assertThat(page.locator(".assistant .body")).hasText("hello");
      assertThat(page.evaluate("sessionStorage.getItem('sluice-key')")).isEqualTo(key);
      assertThat((String) page.evaluate("JSON.stringify(localStorage)")).doesNotContain(key);
    }
  }

  @Test
  void shouldFitNarrowScreensAndTheDark() {
    try (TestServer server = TestServer.start(1);
        Tab tab = open(server, ColorScheme.DARK, 390, 780)) {
      Page page = tab.page();
      assertThat(page.locator("#status")).hasText("serving");
      assertThat(page.locator("body"))
          .hasCSS("background-color", Pattern.compile("rgb\\(14, 20, 19\\)"));
      assertThat(page.locator(".chat")).isVisible();
      assertThat(page.locator("#live")).isHidden();
      picture(page, "narrow-chat");
      page.locator("[data-show=live]").click();
      assertThat(page.locator(".stage")).isVisible();
      assertThat(page.locator(".chat")).isHidden();
      assertThat(page.evaluate("document.documentElement.scrollWidth")).isEqualTo(390);
      page.locator("#theme").click();
      assertThat(page.locator("body"))
          .hasCSS("background-color", Pattern.compile("rgb\\(246, 247, 245\\)"));
      picture(page, "narrow-live");
    }
  }
}
