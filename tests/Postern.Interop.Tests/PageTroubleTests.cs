using System.Globalization;
using System.Net;
using System.Text;

namespace Postern.Interop.Tests;

/// <summary>The page and monitoring when somebody guesses, somebody stays, and something hangs.</summary>
[Collection(nameof(InteropCollection))]
public sealed class PageTroubleTests : IDisposable
{
    private const string Token = "correct-horse-battery-staple";
    private const string Key = "abcdefgh12345678ijklmnop90";

    private readonly int _http = MailHost.FreePort();
    private readonly MailHost _host;
    private readonly HttpClient _web;

    public PageTroubleTests()
    {
        _host = MailHost.Alone();
        Assert.Equal(0, _host.Postern.Stop());
        var tokens = Path.Combine(_host.DataDirectory, "tokens");
        File.WriteAllText(tokens, $"joe {Token}\n");
        if (Tool.IsRoot)
            Tool.Must("chown", MailHost.Owner, tokens);
        Tool.Must("chmod", "0600", tokens);
        Start($"postern_http_token_file = {tokens}");
        _web = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{_http}"), Timeout = TimeSpan.FromSeconds(60) };
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _web.Dispose();
        _host.Dispose();
    }

    [Fact]
    public async Task Wrong_tokens_do_not_make_the_owner_wait_and_are_no_flood_in_the_log()
    {
        Assert.Equal(HttpStatusCode.OK, await TryTokenAsync(Token)); // the page's process has come
        var guesses = Enumerable.Range(0, 30).Select(i => TryTokenAsync($"wrong-wrong-wrong-{i}")).ToList();

        var start = Environment.TickCount64;
        for (var i = 0; i < 5; i++)
            Assert.Equal(HttpStatusCode.OK, await TryTokenAsync(Token));

        Assert.InRange(Environment.TickCount64 - start, 0, 5_000); // 30 seconds when each wrong one took its turn
        var answers = await Task.WhenAll(guesses);
        Assert.All(answers, static answer => Assert.Contains(answer, (HttpStatusCode[])[HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests]));
        Assert.True(answers.Count(static answer => answer is HttpStatusCode.Unauthorized) >= 16);
        _host.WaitForLog("warning: postern_http: wrong token from [127.0.0.1]");
        Assert.InRange(_host.Count("wrong token from"), 1, 10);
        start = Environment.TickCount64;
        Assert.Equal(HttpStatusCode.Unauthorized, await TryTokenAsync("wrong-wrong-wrong"));
        Assert.InRange(Environment.TickCount64 - start, 900, 20_000); // who guesses one after the other waits a second for each
    }

    [Fact]
    public async Task Who_opens_too_many_live_views_is_told_and_the_page_and_its_answers_still_come()
    {
        var open = new List<StreamReader>();
        try
        {
            for (var i = 0; i < 24; i++)
            {
                open.Add(await LiveAsync());
                Assert.StartsWith("data: {\"figures\":", await open[i].ReadLineAsync(Cancellation), StringComparison.Ordinal);
            }

            using (var oneMore = await LiveAsync())
                Assert.Equal("retry: 10000\ndata: {\"problem\":\"24 pages are open at 127.0.0.1 already: close one of them\"}\n\n", await oneMore.ReadToEndAsync(Cancellation));

            Assert.Equal(HttpStatusCode.OK, (await _web.GetAsync("/", Cancellation)).StatusCode);
            Assert.Equal(HttpStatusCode.OK, await TryTokenAsync(Token));
            open[0].Dispose();
            StreamReader next;
            do
                next = await LiveAsync(); // once the process has seen that one is gone
            while (await next.ReadLineAsync(Cancellation) is not { } line || !line.StartsWith("data: {\"figures\":", StringComparison.Ordinal));
            open.Add(next);
        }
        finally
        {
            open.ForEach(static one => one.Dispose());
        }
    }

    [Fact]
    public async Task A_page_process_that_hangs_never_holds_monitoring_and_is_replaced()
    {
        Tool.RequireRoot();
        Assert.Equal(HttpStatusCode.OK, (await _web.GetAsync("/", Cancellation)).StatusCode);
        var process = Assert.Single(PageProcesses());
        Tool.Must("kill", "-STOP", process.ToString(CultureInfo.InvariantCulture));
        var pages = Enumerable.Range(0, 5).Select(_ => _web.GetAsync("/", Cancellation)).ToList();

        for (var i = 0; i < 10; i++)
        {
            foreach (var path in (string[])["/healthz", "/metrics", "/readyz"])
            {
                var start = Environment.TickCount64;
                Assert.Equal(HttpStatusCode.OK, (await _web.GetAsync(path, Cancellation)).StatusCode);
                Assert.InRange(Environment.TickCount64 - start, 0, 3_000); // it has taken 11 seconds
            }
        }

        foreach (var page in pages)
            Assert.Equal(HttpStatusCode.OK, (await page).StatusCode); // by the next process
        Assert.NotEqual(process, Assert.Single(PageProcesses()));
    }

    [Fact]
    public async Task Without_its_program_the_page_says_so_in_words_and_the_log_once()
    {
        Assert.SkipUnless(PosternProcess.Command.Count == 2, "needs a Postern in a folder of its own that can be copied"); // the tests' build, by dotnet
        var program = Directory.CreateDirectory(Path.Combine(_host.Directory, "program")).FullName;
        Tool.Must("sh", "-c", $"cp -r '{AppContext.BaseDirectory}'/. '{program}' && rm '{program}'/postern-dashboard.*; chmod -R a+rX '{program}'");
        Assert.Equal(0, _host.Postern.Stop());
        using var postern = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(PosternProcess.Command[0], [Path.Combine(program, "postern.dll"), "serve", "-c", _host.ConfigDirectory]) { RedirectStandardError = true })!;
        try
        {
            Wait.Until(() => _host.Count("]: ready: ") == 3, () => _host.LogEnd);

            for (var i = 0; i < 5; i++)
            {
                var answer = await _web.GetAsync("/", Cancellation);
                Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
                Assert.Contains($"the page cannot be shown, since its program {program}/postern-dashboard.dll cannot be started: it ends at once", await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
            }

            Assert.Equal("ok\n", await _web.GetStringAsync("/healthz", Cancellation));
            Assert.Equal(1, _host.Count("the page cannot be shown"));
        }
        finally
        {
            postern.Kill();
            postern.WaitForExit();
        }
    }

    [Fact]
    public async Task Keys_of_paid_lists_are_shown_to_nobody()
    {
        using var names = Dnsmasq.Start([], [], $"--address=/9.9.0.127.{Key}.zen.lab/127.0.0.2", "--address=/9.9.0.127.short.mapped.lab/127.0.0.2");
        _host.UseResolvConf(names.ResolvConf);
        Assert.Equal(0, _host.Postern.Stop());
        Start(
            "postern_event_log = $data_directory/events", "postscreen_dnsbl_action = enforce", $"postscreen_dnsbl_sites = {Key}.zen.lab*2 short.mapped.lab", "postscreen_dnsbl_threshold = 2",
            "postscreen_dnsbl_reply_map = inline:{ short.mapped.lab=mapped.lab }");
        using (var listed = _host.Connect("127.0.9.9"))
        {
            listed.ExpectGreeting();
            Assert.StartsWith("550 ", listed.SendMail("a@b.example", "you@lab.example", "refused"), StringComparison.Ordinal);
        }

        Wait.Until(() => File.ReadAllText(Path.Combine(_host.DataDirectory, "events")).Contains(Key, StringComparison.Ordinal), () => "no event");
        Tool.Must("chmod", "644", Path.Combine(_host.Directory, "log/maillog"));
        using var live = await LiveAsync();
        var said = new Dictionary<string, string> { ["/live"] = await live.ReadLineAsync(Cancellation) ?? "" };
        foreach (var path in (string[])["/api/configuration", "/api/refusals", "/api/report", "/metrics"])
            said[path] = await _web.GetStringAsync(path, Cancellation);
        said["top"] = PosternProcess.Run("top", "--once", "-c", _host.ConfigDirectory).Output;

        Assert.All(said, static page => Assert.DoesNotContain(Key, page.Value, StringComparison.OrdinalIgnoreCase));
        Assert.All(said, static page => Assert.DoesNotContain("short.mapped", page.Key == "/api/configuration" ? "" : page.Value, StringComparison.Ordinal));
        foreach (var path in (string[])["/live", "/api/configuration", "/api/refusals", "/api/report", "/metrics"])
            Assert.Contains("(key).zen.lab", said[path], StringComparison.Ordinal);
        foreach (var path in (string[])["/live", "/api/configuration", "/api/refusals", "/api/report", "/metrics"])
            Assert.Contains("mapped.lab", said[path], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mail_log_that_the_page_may_not_read_comes_with_the_parameter_that_helps()
    {
        Tool.RequireRoot();
        var log = Path.Combine(_host.Directory, "log/maillog");
        Tool.Must("chmod", "600", log);

        var report = await _web.GetStringAsync("/api/report", Cancellation);

        Assert.Contains($"Permission denied: {MailHost.Owner} may not read it. Set maillog_file_permissions = 0640 for new files, and for this one: chgrp {MailHost.Owner} {log}; chmod 0640 {log}", report, StringComparison.Ordinal);
        Tool.Must("chgrp", MailHost.Owner, log);
        Tool.Must("chmod", "0640", log);
        Assert.DoesNotContain("Permission denied", await _web.GetStringAsync("/api/report?days=2", Cancellation), StringComparison.Ordinal); // another one: the last is kept for a minute
    }

    private void Start(params string[] parameters)
    {
        _host.Configure([.. parameters, $"postern_http = 127.0.0.1:{_http}"]);
        _host.StartPostern();
    }

    private async Task<HttpStatusCode> TryTokenAsync(string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/access") { Content = new StringContent("""{"action":"check"}""", Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new("Bearer", token);
        using var answer = await _web.SendAsync(request, Cancellation);
        return answer.StatusCode;
    }

    private async Task<StreamReader> LiveAsync() =>
        new(await (await _web.GetAsync("/live", HttpCompletionOption.ResponseHeadersRead, Cancellation)).Content.ReadAsStreamAsync(Cancellation));

    private List<int> PageProcesses() =>
    [
        .. from folder in Directory.GetDirectories("/proc")
           where int.TryParse(Path.GetFileName(folder), out _) && Words(folder) is var words
               && words.Any(static word => Path.GetFileNameWithoutExtension(word) == "postern-dashboard") && words.Contains(_host.ConfigDirectory)
           select int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture),
    ];

    private static string[] Words(string folder)
    {
        try
        {
            return File.ReadAllText(folder + "/cmdline").Split('\0');
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
