using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Postern.Interop.Tests;

/// <summary>The page of <c>postern_http</c> in a real browser: every view, what changes by itself, and what may not happen.</summary>
[Collection(nameof(InteropCollection))]
public sealed class DashboardTests : IDisposable
{
    private const string Token = "correct-horse-battery-staple";
    private const string Attack = "<img/src=x/onerror=alert(1)>";
    private const string AttackingSender = "\"<svg/onload=alert(2)//\"@bot.example";

    private readonly int _http = MailHost.FreePort();
    private readonly MailHost _host;

    public DashboardTests()
    {
        var tokens = Path.GetTempFileName();
        _host = MailHost.Alone(
            null,
            $"postern_http = 127.0.0.1:{_http}",
            "postern_event_log = $data_directory/events",
            $"postern_http_token_file = {tokens}.tokens",
            "postscreen_access_list = permit_mynetworks, cidr:$data_directory/access.cidr",
            "postscreen_denylist_action = drop",
            "postscreen_greet_action = enforce",
            "postscreen_greet_wait = 3s", // the page tells once a second who is held
            "postern_receiver_unknown_sender_domain_reject = no");
        File.Delete(tokens);
        TokenFile = tokens + ".tokens";
        File.WriteAllText(TokenFile, $"# who may\njoe {Token}\n");
        if (Tool.IsRoot)
            Tool.Must("chown", MailHost.Owner, TokenFile);
        Tool.Must("chmod", "0600", TokenFile);
    }

    private string TokenFile { get; }

    public void Dispose()
    {
        _host.Dispose();
        File.Delete(TokenFile);
    }

    [Fact]
    public async Task What_happens_now_is_seen_without_a_reload()
    {
        Pass("127.0.9.1");
        await using var browser = await Browser.OpenAsync(_http);
        var page = browser.Page;
        await Expect(page.Locator("#state")).ToHaveTextAsync("live");

        using var parked = _host.Connect("127.0.9.2");
        await Expect(page.Locator("#clients")).ToContainTextAsync("[127.0.9.2]:");
        await Expect(page.Locator("#clients")).ToContainTextAsync("the greet wait");
        TalkEarly("127.0.9.3", "early.example", "a@b.example", "you@lab.example");

        await Expect(Row(page, "#reasons", "talked before the greeting")).ToContainTextAsync("1");
        await Expect(Row(page, "#outcomes", "stopped by screening")).ToContainTextAsync("1");
        await Expect(page.Locator("#rates canvas")).ToBeVisibleAsync();
        await Expect(page.Locator("#lists")).ToContainTextAsync("No DNS list is asked.");
        Assert.Empty(browser.Problems);
    }

    [Fact]
    public async Task Lists_and_lanes_are_shown_with_their_state()
    {
        using var names = Dnsmasq.Start(
            [("adsl7.isp.lab", "127.0.9.21"), ("host-12-34.isp.lab", "127.0.9.22"), ("mail.server.lab", "127.0.9.23")], [],
            "--address=/23.9.0.127.bl.lab/127.0.0.2", "--address=/everybody.lab/127.0.0.2");
        _host.Configure(
            $"postern_http = 127.0.0.1:{_http}", "postern_event_log = $data_directory/events", "postscreen_greet_action = enforce", "postscreen_dnsbl_action = enforce", "postscreen_greet_wait = 2s",
            "postscreen_dnsbl_sites = bl.lab*2 everybody.lab", "postscreen_dnsbl_threshold = 2", "postern_starpit = yes");
        _host.UseResolvConf(names.ResolvConf);
        _host.StartPostern();
        await using var browser = await Browser.OpenAsync(_http);
        var page = browser.Page;
        await Expect(page.Locator("#state")).ToHaveTextAsync("live");

        using (var impatient = _host.Connect("127.0.9.22"))
        {
            Assert.StartsWith("220-", impatient.ReadLine(), StringComparison.Ordinal);
            _host.WaitForLog("LANE ENTER [127.0.9.22]:");
        }

        for (var i = 30; i < 40; i++)
            TalkEarly($"127.0.9.{i}", "ylmf-pc", "a@b.example", "you@lab.example");
        using var parked = _host.Connect("127.0.9.21");
        Assert.StartsWith("220-", parked.ReadLine(), StringComparison.Ordinal);
        using (var listed = _host.Connect("127.0.9.23"))
        {
            listed.ExpectGreeting();
            Assert.StartsWith("550 5.7.1 ", listed.SendMail("a@b.example", "you@lab.example", "refused"), StringComparison.Ordinal);
            await Expect(Row(page, "#clients", "[127.0.9.23]:")).ToContainTextAsync("its next command");
        }

        await Expect(Row(page, "#clients", "[127.0.9.21]:")).ToContainTextAsync("a slow lane");
        await Expect(Row(page, "#clients", "[127.0.9.21]:")).ToContainTextAsync("generic rule=");
        await Expect(Row(page, "#lanes", "generic")).ToHaveTextAsync("generic22100");
        await Expect(page.Locator("#figures div").Filter(new() { HasText = "in slow lanes" }).Locator("dd")).ToHaveTextAsync("1");
        _host.WaitForLog("everybody.lab lists 127.0.0.1, as no list may"); // half a minute after the start
        await Expect(Row(page, "#lists", "everybody.lab")).ToContainTextAsync("it does not count until it is healthy");
        await Expect(Row(page, "#lists", "bl.lab")).ToContainTextAsync("well");
        await Expect(Row(page, "#reasons", "on DNS lists")).ToContainTextAsync("1");
        await browser.KeepPictureAsync("now");
        Assert.Empty(browser.Problems);
    }

    [Fact]
    public async Task A_refusal_is_found_by_its_recipient_and_what_bots_say_stays_text()
    {
        TalkEarly("127.0.9.4", Attack, AttackingSender, "boss@lab.example");
        TalkEarly("127.0.9.5", "other.example", "other@bot.example", "you@lab.example");
        await using var browser = await Browser.OpenAsync(_http, "#refusals");
        var page = browser.Page;
        var rows = page.Locator("#refused tbody tr");
        await Expect(rows).ToHaveCountAsync(2);

        await page.FillAsync("#q", "BOSS@lab");
        await page.ClickAsync("#search button");

        await Expect(page.Locator("#found")).ToHaveTextAsync("1 found");
        await Expect(rows).ToHaveCountAsync(1);
        await Expect(rows).ToContainTextAsync("127.0.9.4");
        await Expect(rows).ToContainTextAsync(Attack);
        await Expect(rows).ToContainTextAsync(AttackingSender.Replace("\"", "", StringComparison.Ordinal));
        await Expect(rows).ToContainTextAsync("550 5.5.1 Protocol error");
        await Expect(page.Locator("main img, main svg, main script")).ToHaveCountAsync(0);
        await browser.KeepPictureAsync("refusals", height: 330);
        await page.FillAsync("#q", "nobody@nowhere");
        await page.PressAsync("#q", "Enter");
        await Expect(page.Locator("#found")).ToHaveTextAsync("0 found");
        Assert.Empty(browser.Problems);
    }

    [Fact]
    public async Task The_report_has_the_articles_table_of_the_mail_log()
    {
        Pass("127.0.9.6");
        TalkEarly("127.0.9.7", "early.example", "a@b.example", "you@lab.example");
        using (var impatient = _host.Connect("127.0.8.1"))
            Assert.StartsWith("220-", impatient.ReadLine(), StringComparison.Ordinal);
        _host.WaitForLog("DISCONNECT [127.0.8.1]:");
        await using var browser = await Browser.OpenAsync(_http, "#report");
        var page = browser.Page;

        await Expect(page.Locator("#summary")).ToHaveTextAsync("66.7 % of 3 connections never reached the mail server.");
        await Expect(Row(page, "#totals", "stopped by screening")).ToContainTextAsync("2");
        await Expect(Row(page, "#totals", "brought mail to smtpd")).ToContainTextAsync("1");
        await Expect(Row(page, "#totals", "mails delivered")).ToContainTextAsync("1");
        await Expect(Row(page, "#causes", "talked before the greeting")).ToContainTextAsync("1");
        await Expect(Row(page, "#networks", "127.0.9.0/24")).ToContainTextAsync("1");
        await Expect(page.Locator("#hours canvas")).ToBeVisibleAsync();
        await Expect(page.Locator("#curve canvas")).ToBeVisibleAsync();
        await Expect(page.Locator("#sources")).ToContainTextAsync("/log/maillog");
        await page.GetByText("Last 7 days").ClickAsync();
        await Expect(page.Locator("#summary")).ToContainTextAsync("of 3 connections");
        Assert.Empty(browser.Problems);
    }

    [Fact]
    public async Task Without_a_token_nothing_can_be_changed_and_with_one_it_is_written_and_logged()
    {
        await using var browser = await Browser.OpenAsync(_http, "#access");
        var page = browser.Page;
        await Expect(page.Locator("#decide")).ToBeHiddenAsync();
        await page.FillAsync("#token", "not-the-token-not-the-token");
        await page.ClickAsync("#sign-in button");
        await Expect(page.Locator("#decided")).ToHaveTextAsync("this token is nobody's");
        await Expect(page.Locator("#decide")).ToBeHiddenAsync();
        _host.WaitForLog("warning: postern_http: wrong token from [127.0.0.1]");
        using (var web = new HttpClient())
        {
            var bare = await web.PostAsync($"{browser.Origin}/api/access", new StringContent("""{"action":"allow","network":"127.0.9.8"}""", Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.Unauthorized, bare.StatusCode);
        }

        await page.FillAsync("#token", Token);
        await page.ClickAsync("#sign-in button");
        await Expect(page.Locator("#decided")).ToHaveTextAsync("Hello joe.");

        await Decide("Allow", "127.0.9.8", "127.0.9.8 is allowed from now on.");
        using (var allowed = _host.Connect("127.0.9.8"))
            allowed.ExpectGreeting();
        _host.WaitForLog("ALLOWLISTED [127.0.9.8]:");
        await Decide("Deny", "127.0.9.8", "127.0.9.8 is denied from now on.");
        using (var denied = _host.Connect("127.0.9.8"))
            Assert.StartsWith("521 ", denied.ReadReply(), StringComparison.Ordinal);
        _host.WaitForLog("DENYLISTED [127.0.9.8]:");
        await Expect(page.Locator("#entries tbody tr")).ToHaveCountAsync(1);
        await Expect(page.Locator("#entries tbody tr")).ToContainTextAsync("denied");
        await Expect(page.Locator("#entries tbody tr")).ToContainTextAsync("joe");
        await browser.KeepPictureAsync("access", height: 420);
        await page.ClickAsync("#entries button[aria-label='Remove 127.0.9.8']");
        await Expect(page.Locator("#entries")).ToContainTextAsync("Nobody was allowed or denied here.");
        await Decide("Allow", "0.0.0.0/0", "0.0.0.0/0 is more than this is meant for");
        await Decide("Allow", "127.0.9.8/24", "non-null host address bits in \"127.0.9.8/24\", perhaps you should use \"127.0.9.0/24\" instead");
        Pass("127.0.9.9");
        await Decide("Forget what it passed", "127.0.9.9", "127.0.9.9 will be tested again.");

        foreach (var line in (string[])["ACCESS ALLOW 127.0.9.8 by=joe", "ACCESS DENY 127.0.9.8 by=joe", "ACCESS REMOVE 127.0.9.8 by=joe", "ACCESS FORGET 127.0.9.9 by=joe"])
            _host.WaitForLog(line);
        using (var again = _host.Connect("127.0.9.9"))
            again.ExpectGreeting();
        Assert.Equal(2, _host.Count("PASS NEW [127.0.9.9]:"));
        Assert.Empty(browser.Problems);

        async Task Decide(string button, string network, string answer)
        {
            await page.FillAsync("#network", network);
            await page.GetByRole(AriaRole.Button, new() { Name = button, Exact = true }).ClickAsync();
            await Expect(page.Locator("#decided")).ToHaveTextAsync(answer);
        }
    }

    [Fact]
    public async Task Tokens_that_everybody_can_read_are_nobodys()
    {
        Tool.Must("chmod", "0644", TokenFile);
        await using var browser = await Browser.OpenAsync(_http, "#access");

        await browser.Page.FillAsync("#token", Token);
        await browser.Page.PressAsync("#token", "Enter");

        await Expect(browser.Page.Locator("#decided")).ToHaveTextAsync($"{TokenFile} is not only for you: chmod o-rwx {TokenFile}");
        await Expect(browser.Page.Locator("#decide")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task It_works_without_a_mouse()
    {
        TalkEarly("127.0.9.10", "early.example", "a@b.example", "you@lab.example");
        await using var browser = await Browser.OpenAsync(_http);
        var page = browser.Page;
        await Expect(page.Locator("#state")).ToHaveTextAsync("live");

        await page.Keyboard.PressAsync("Tab");
        await Expect(page.Locator("a.skip")).ToBeFocusedAsync();
        await TabTo("nav a[href='#refusals']");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#refusals-title")).ToBeVisibleAsync();
        await TabTo("#q");
        await page.Keyboard.TypeAsync("127.0.9.10");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#found")).ToHaveTextAsync("1 found");
        await page.GotoAsync(browser.Origin + "/#report");
        await TabTo("input[name=days]");
        await page.Keyboard.PressAsync("ArrowRight");
        await Expect(page.Locator("input[value='7']")).ToBeCheckedAsync();
        await Expect(page.Locator("#summary")).ToContainTextAsync("of 1 connections");
        Assert.Empty(browser.Problems);

        async Task TabTo(string selector)
        {
            for (var i = 0; i < 30 && !await page.EvaluateAsync<bool>("selector => document.activeElement.matches(selector)", selector); i++)
                await page.Keyboard.PressAsync("Tab");
            await Expect(page.Locator(selector).First).ToBeFocusedAsync();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task It_fits_on_a_phone(bool isDark)
    {
        Pass("127.0.9.11");
        TalkEarly("127.0.9.12", new string('x', 200) + ".example", new string('y', 60) + "@b.example", "you@lab.example");
        await using var browser = await Browser.OpenAsync(_http, isDark: isDark, width: 390);
        var page = browser.Page;
        await Expect(page.Locator("#state")).ToHaveTextAsync("live");

        foreach (var view in (string[])["now", "report", "refusals", "access", "configuration"])
        {
            await page.GotoAsync($"{browser.Origin}/#{view}");
            await Expect(page.Locator($"#{view}-title")).ToBeVisibleAsync();
            if (view == "report")
                await Expect(page.Locator("#hours canvas")).ToBeVisibleAsync();
            if (view == "refusals")
                await Expect(page.Locator("#refused tbody tr")).ToContainTextAsync("127.0.9.12");
            Assert.True(await browser.FitsAsync(), $"{view} is wider than the window");
        }

        await page.GotoAsync($"{browser.Origin}/#now");
        if (isDark)
            await browser.KeepPictureAsync("phone", height: 900);
        var ground = await page.EvaluateAsync<string>("() => getComputedStyle(document.body).backgroundColor");
        Assert.Equal(isDark, Brightness(ground) < 128);
        Assert.Empty(browser.Problems);
    }

    [Fact]
    public async Task The_configuration_says_where_each_value_is_from()
    {
        await using var browser = await Browser.OpenAsync(_http, "#configuration");
        var page = browser.Page;

        await Expect(Row(page, "#parameters", "postscreen_greet_action")).ToContainTextAsync("enforce");
        await Expect(Row(page, "#parameters", "postscreen_greet_action")).ToContainTextAsync("/config/main.cf:");
        await Expect(page.Locator("#parameters")).Not.ToContainTextAsync("postscreen_bare_newline_ttl");
        await page.UncheckAsync("#only-set");
        await page.FillAsync("#name", "bare_newline_ttl");
        await Expect(Row(page, "#parameters", "postscreen_bare_newline_ttl")).ToContainTextAsync("default");
        await Expect(page.Locator("#parameters tbody tr")).ToHaveCountAsync(1);
        Assert.Empty(browser.Problems);
    }

    [Fact]
    public async Task The_page_comes_back_when_its_process_was_killed_and_other_names_get_nothing()
    {
        Tool.RequireRoot();
        using var web = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{_http}"), Timeout = TimeSpan.FromSeconds(30) };
        var page = await web.GetAsync("/", TestContext.Current.CancellationToken);
        Assert.Contains("default-src 'none'; script-src 'self'", string.Join(';', page.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        using var foreign = new HttpRequestMessage(HttpMethod.Get, "/api/refusals") { Headers = { Host = "evil.example" } };
        Assert.Equal(HttpStatusCode.MisdirectedRequest, (await web.SendAsync(foreign, TestContext.Current.CancellationToken)).StatusCode);

        var process = Assert.Single(PageProcesses());
        Assert.Equal(MailHost.Owner, Tool.Must("stat", "-c", "%U", $"/proc/{process}").Trim());
        Assert.DoesNotContain(Directory.GetFiles($"/proc/{process}/fdinfo"), static file => File.ReadAllText(file).Contains("inotify", StringComparison.Ordinal)); // each log line would wake it
        Tool.Must("kill", "-9", process.ToString(CultureInfo.InvariantCulture));
        Wait.Until(() => !Directory.Exists($"/proc/{process}"), () => "it was not killed"); // its command line goes before its sockets do
        using var next = new HttpClient { BaseAddress = web.BaseAddress, Timeout = TimeSpan.FromSeconds(30) };
        Assert.Equal(HttpStatusCode.OK, (await next.GetAsync("/", TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal("ok\n", await next.GetStringAsync("/healthz", TestContext.Current.CancellationToken));
        Assert.NotEqual(process, Assert.Single(PageProcesses()));

        _host.Postern.BeginStop();
        Wait.Until(() => PageProcesses().Count == 0, () => "it has outlived the daemon");
    }

    // A day of the published site, played by postern rehearse and said to be synthetic, and some clients of now.
    [Fact]
    public async Task The_published_day_looks_as_it_was_published()
    {
        var folder = Directory.CreateTempSubdirectory("postern-published-");
        var (status, output) = PosternProcess.Run("rehearse", "--scenario", "published", "--logs", folder.FullName, "--json");
        Assert.True(status == 0, output);
        var log = Assert.Single(folder.GetFiles(), static file => file.Name.Contains("15", StringComparison.Ordinal) || file.Length > 0);
        File.AppendAllLines(Path.Combine(_host.Directory, "log/maillog"), EndingNow(File.ReadAllLines(log.FullName, Encoding.Latin1)), Encoding.Latin1);
        folder.Delete(recursive: true);
        var truth = JsonDocument.Parse(output).RootElement.GetProperty("runs")[0].GetProperty("report");
        Pass("127.0.9.13");
        await using var browser = await Browser.OpenAsync(_http, "#report");
        var page = browser.Page;

        var stopped = truth.GetProperty("stopped").GetInt32().ToString("N0", CultureInfo.InvariantCulture);
        await Expect(Row(page, "#totals", "stopped by screening")).ToContainTextAsync(stopped);
        await browser.KeepPictureAsync("report");
        Assert.Empty(browser.Problems);
    }

    private static IEnumerable<string> EndingNow(string[] lines)
    {
        const string Stamp = "MMM d HH:mm:ss";
        const int Length = 15;
        var shift = DateTime.UtcNow.AddMinutes(-10) - TimeOf(lines[^1]);
        return lines.Select(line => (TimeOf(line) + shift).ToString("MMM dd HH:mm:ss", CultureInfo.InvariantCulture) + line[Length..]);

        static DateTime TimeOf(string line) => DateTime.ParseExact(line[..Length].Replace("  ", " ", StringComparison.Ordinal), Stamp, CultureInfo.InvariantCulture);
    }

    private static ILocator Row(IPage page, string table, string text) => page.Locator($"{table} tbody tr").Filter(new() { HasText = text });

    private static int Brightness(string colour) => colour[(colour.IndexOf('(', StringComparison.Ordinal) + 1)..^1].Split(',').Take(3).Sum(static part => int.Parse(part, CultureInfo.InvariantCulture)) / 3;

    private List<int> PageProcesses() =>
    [
        .. from folder in Directory.GetDirectories("/proc")
           where int.TryParse(Path.GetFileName(folder), out _) && IsOurs(folder)
           select int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture),
    ];

    private bool IsOurs(string folder)
    {
        try
        {
            var words = File.ReadAllText(folder + "/cmdline").Split('\0');
            return words.Any(static word => Path.GetFileNameWithoutExtension(word) == "postern-dashboard") && words.Contains(_host.ConfigDirectory);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private void Pass(string from)
    {
        var before = _host.MailCount;
        using var client = _host.Connect(from);
        client.ExpectGreeting();
        Assert.StartsWith("250", client.SendMail("a@good.example", "b@lab.example", "hello"), StringComparison.Ordinal);
        client.Say("QUIT", "221");
        _host.WaitForMails(before + 1);
    }

    private void TalkEarly(string from, string helo, string sender, string recipient)
    {
        using var bot = _host.Connect(from);
        Assert.StartsWith("220-", bot.ReadLine(), StringComparison.Ordinal);
        bot.Say($"EHLO {helo}", "250");
        bot.Say($"MAIL FROM:<{sender}>", "250");
        bot.Say($"RCPT TO:<{recipient}>", "550");
        bot.Say("QUIT", "221");
        _host.WaitForLog($"DISCONNECT [{from}]:");
    }
}
