using System.Net;
using System.Text;

namespace Postern.Interop.Tests;

/// <summary>Table files that change, vanish or are large while clients are served.</summary>
[Collection(nameof(InteropCollection))]
public sealed class TableFileTests
{
    private const string Denied = "521 5.3.2 Service currently unavailable";

    [Fact]
    public void An_edited_table_is_in_force_at_the_next_client_also_when_nobody_came_before()
    {
        using var host = WithTable(out var table);
        File.WriteAllText(table, "127.0.5.31 reject\n");

        host.WaitForLog($"table cidr:{table} has changed - using the new version");

        Assert.Equal(Denied, Greeting(host, "127.0.5.31"));
    }

    [Fact]
    public void A_table_that_is_cut_short_or_becomes_a_pipe_keeps_its_rules_also_over_a_reload()
    {
        using var host = WithTable(out var table);

        File.WriteAllText(table, "");
        host.WaitForLog($"table cidr:{table} is empty - the version read before stays in force; if it is to be empty, write a comment into it");
        host.Reload();
        Assert.Equal(Denied, Greeting(host, "127.0.5.30"));

        File.Delete(table);
        Tool.Must("mkfifo", table);
        host.WaitForLog($"table cidr:{table} cannot be read - the version read before stays in force");
        host.Reload();
        Assert.Equal(Denied, Greeting(host, "127.0.5.30"));

        File.Delete(table);
        File.WriteAllText(table, "# on purpose\n");
        host.WaitForLog($"table cidr:{table} has changed - using the new version");
        Assert.StartsWith("220-", Greeting(host, "127.0.5.30"));
    }

    [Fact]
    public void A_storm_of_SIGHUP_reads_a_large_table_once()
    {
        using var host = WithTable(out var table);
        File.WriteAllText(table, LargeTable(100_000) + "127.0.5.31 reject\n");
        host.WaitForLog($"table cidr:{table} has changed - using the new version");

        var before = host.Count("reload: ready");
        for (var i = 0; i < 200; i++)
        {
            host.Postern.Reload();
            Thread.Sleep(2);
        }

        host.Reload();
        Assert.False(host.Postern.HasEnded);
        Assert.InRange(host.Count("reload: ready") - before, 1, 201);
        Assert.Equal(1, host.Count("using the new version"));
        Assert.Equal(Denied, Greeting(host, "127.0.5.31"));
    }

    [Fact]
    public void The_first_client_after_the_start_is_judged_by_a_table_that_is_still_being_read()
    {
        using var host = WithTable(out var table);
        Assert.Equal(0, host.Postern.Stop());
        File.WriteAllText(table, LargeTable(300_000) + "127.0.5.31 reject\n127.0.5.32 permit\n");
        host.StartPostern();

        using var denied = host.Connect("127.0.5.31");
        using var permitted = host.Connect("127.0.5.32");

        var first = denied.ReadLine()!; // the teaser, where it came before the table was read
        Assert.Equal(Denied, first.StartsWith("220-", StringComparison.Ordinal) ? denied.ReadLine() : first);
        host.WaitForLog("DENYLISTED [127.0.5.31]:");
        host.WaitForLog("ALLOWLISTED [127.0.5.32]:");
        permitted.ExpectGreeting();
        permitted.Say("QUIT", "221");
    }

    [Fact]
    public async Task A_pause_of_the_whole_process_ends_it_not()
    {
        using var host = MailHost.Alone(null, "postscreen_greet_wait = 1s");
        using var stop = new CancellationTokenSource();
        var callers = Task.Run(() => // so that the loop is at work when the pause comes
        {
            while (!stop.IsCancellationRequested)
                Greeting(host, "127.0.5.33");
        }, TestContext.Current.CancellationToken);

        for (var i = 0; i < 2; i++)
        {
            host.Postern.Pause();
            Thread.Sleep(11_500); // longer than postscreen_watchdog_timeout
            host.Postern.GoOn();
            Thread.Sleep(4_000); // the watchdog has looked
        }

        Assert.False(host.Postern.HasEnded, host.LogEnd);
        await stop.CancelAsync();
        await callers.WaitAsync(TestContext.Current.CancellationToken);
        Assert.StartsWith("220-", Greeting(host, "127.0.5.34"));
    }

    [Fact]
    public async Task The_page_says_done_when_the_table_has_it_and_leaves_the_file_as_it_was_otherwise()
    {
        Tool.RequireRoot();
        const string Token = "0123456789abcdefghij";
        var port = MailHost.FreePort();
        using var host = MailHost.Alone();
        var (link, target, tokens) = (Path.Combine(host.DataDirectory, "access.cidr"), host.Write("kept-elsewhere", "# mine\n"), host.Write("tokens", $"joe {Token}\n"));
        Tool.Must("chown", $"{MailHost.Owner}:adm", target); // a group that mail_owner is not in
        Tool.Must("chmod", "0660", target);
        Tool.Must("chown", MailHost.Owner, tokens, host.ConfigDirectory);
        Tool.Must("chmod", "0600", tokens);
        File.CreateSymbolicLink(link, target);
        host.Configure(
            $"postern_http = 127.0.0.1:{port}", $"postern_http_token_file = {tokens}", "postscreen_access_list = cidr:$data_directory/access.cidr", "postscreen_denylist_action = drop");
        host.StartPostern();

        Assert.Equal((HttpStatusCode.OK, """{"done":"10.98.0.0/16"}"""), await Decide("allow", "::ffff:10.98.0.0/112"));
        Assert.Equal((HttpStatusCode.OK, """{"done":"127.0.5.35"}"""), await Decide("deny", "127.0.5.35"));
        Assert.Equal(Denied, Greeting(host, "127.0.5.35"));
        Assert.Equal(target, new FileInfo(link).LinkTarget);
        Assert.Equal($"660 {MailHost.Owner} adm", Tool.Must("stat", "-c", "%a %U %G", target).Trim());

        // A mistake of the administrator's: from then on nothing more comes into force, and nothing more is called done.
        File.AppendAllText(target, "no network permit\n");
        var before = File.ReadAllText(target);
        var (_, answer) = await Decide("deny", "127.0.5.36");
        Assert.Contains("not in force: ", answer, StringComparison.Ordinal);
        Assert.Contains("bad address pattern", answer, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(target));
        Assert.Equal(Denied, Greeting(host, "127.0.5.35"));
        Assert.DoesNotContain("ACCESS DENY 127.0.5.36", host.Log, StringComparison.Ordinal);

        async Task<(HttpStatusCode Status, string Answer)> Decide(string action, string network)
        {
            using var web = new HttpClient();
            web.DefaultRequestHeaders.Authorization = new("Bearer", Token);
            using var content = new StringContent($$"""{"action":"{{action}}","network":"{{network}}"}""", Encoding.UTF8, "application/json");
            var response = await web.PostAsync($"http://127.0.0.1:{port}/api/access", content, TestContext.Current.CancellationToken);
            return (response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
    }

    private static MailHost WithTable(out string table)
    {
        var host = MailHost.Alone();
        table = host.Write("access.cidr", "127.0.5.30 reject\n");
        host.Configure($"postscreen_access_list = cidr:{table}", "postscreen_denylist_action = drop", "postscreen_greet_wait = 1s");
        host.Reload();
        Assert.Equal(Denied, Greeting(host, "127.0.5.30"));
        return host;
    }

    private static string LargeTable(int lines)
    {
        var text = new StringBuilder();
        for (var i = 0; i < lines; i++)
            text.Append(10).Append('.').Append(i >> 16).Append('.').Append((i >> 8) & 255).Append('.').Append(i & 255).Append(" reject\n");
        return text.ToString();
    }

    private static string? Greeting(MailHost host, string client)
    {
        using var talk = host.Connect(client);
        return talk.ReadLine();
    }
}
