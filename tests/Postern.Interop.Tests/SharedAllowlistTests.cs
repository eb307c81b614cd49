using System.Text.RegularExpressions;

namespace Postern.Interop.Tests;

/// <summary>Posterns and a real postscreen on one LMDB file, all running; hosts that share a memcached.</summary>
[Collection(nameof(InteropCollection))]
public sealed class SharedAllowlistTests
{
    [Fact]
    public void What_one_Postern_passed_the_other_knows_at_the_next_connection()
    {
        using var one = MailHost.Alone(null, "postscreen_cache_map = lmdb:$data_directory/shared");
        using var other = MailHost.Alone(null, $"postscreen_cache_map = lmdb:{one.DataDirectory}/shared");

        // Several, as on a machine under load a client may not wait long enough for its record.
        string[] clients = [.. Enumerable.Range(1, 5).Select(i => $"127.0.6.{i}")];
        foreach (var client in clients)
            Pass(one, client, "PASS NEW");
        foreach (var client in clients)
            SavedBy(one, client);

        Assert.Contains(clients, client => Knows(other, client));
    }

    [Fact]
    public void A_real_postscreen_and_Postern_work_on_one_file_at_the_same_time()
    {
        using var host = MailHost.WithPostscreen("postscreen_cache_map = lmdb:$data_directory/shared");
        string[] ours = [.. Enumerable.Range(1, 3).Select(i => $"127.0.6.{i}")];
        string[] postscreens = [.. Enumerable.Range(1, 3).Select(i => $"127.0.7.{i}")];

        for (var i = 0; i < ours.Length; i++)
        {
            Pass(host, ours[i], "PASS NEW");
            SavedBy(host, ours[i]);
            Pass(host, ours[i], "PASS OLD", host.PostscreenPort);
            Pass(host, postscreens[i], "PASS NEW", host.PostscreenPort);
            SavedBy(host, postscreens[i]);
        }

        Assert.Contains(postscreens, client => Knows(host, client));
        var dump = Tool.Must("postmap", "-c", host.ConfigDirectory, "-s", $"lmdb:{host.DataDirectory}/shared");
        Assert.Equal(6, Regex.Count(dump, @"^127\.0\.[67]\.[123]\t\d+;", RegexOptions.Multiline));
        Assert.DoesNotContain("damaged", host.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void A_memcached_that_comes_and_goes_is_used_when_it_is_there()
    {
        Tool.Require("memcached");
        var port = MailHost.FreePort();
        using var one = new MemcachedHost(port);
        Pass(one.Host, "127.0.6.1", "PASS NEW"); // nobody is there
        one.Host.WaitForLog($"warning: connect to 127.0.0.1:{port}: Connection refused");
        one.Host.WaitForLog("cache lookup for '127.0.6.1' failed due to error");
        using var other = new MemcachedHost(port);
        var server = Tool.Start("memcached", "-u", "root", "-l", "127.0.0.1", "-p", $"{port}");
        try
        {
            var (n, passed) = (0, false);
            while (!passed && n < 20) // the pause after a failure may not be over yet
            {
                Pass(one.Host, $"127.0.8.{++n}", "PASS NEW");
                passed = Knows(other.Host, $"127.0.8.{n}");
            }

            Assert.True(passed, one.Host.Log + other.Host.Log);
        }
        finally
        {
            server.Kill();
            server.WaitForExit();
            server.Dispose();
        }

        Pass(one.Host, "127.0.9.1", "PASS NEW"); // gone again, and mail flows
    }

    private static bool Knows(MailHost host, string client)
    {
        var (known, tested) = ($"PASS OLD [{client}]", $"PASS NEW [{client}]");
        var (knownBefore, testedBefore) = (host.Count(known), host.Count(tested));
        using var talk = host.Connect(client);
        talk.ExpectGreeting();
        talk.Say("QUIT", "221");
        Wait.Until(() => host.Count(known) > knownBefore || host.Count(tested) > testedBefore, () => host.Log);
        return host.Count(known) > knownBefore;
    }

    /// <summary>Waits for Postfix's own tool to find the record.</summary>
    private static void SavedBy(MailHost host, string client)
    {
        Tool.Require("postmap");
        Wait.Until(
            () => Tool.Run("postmap", "-c", host.ConfigDirectory, "-q", client, $"lmdb:{host.DataDirectory}/shared").Status == 0,
            () => $"postmap does not find {client}: {host.Log}");
    }

    private static void Pass(MailHost host, string client, string line, int? port = null)
    {
        var text = $"{line} [{client}]";
        var before = host.Count(text);
        using var talk = port is { } other ? new SmtpTalk(other, client) : host.Connect(client);
        talk.ExpectGreeting();
        talk.Say("QUIT", "221");
        Wait.Until(() => host.Count(text) > before, () => $"no {text}: {host.Log}");
    }

    private sealed class MemcachedHost : IDisposable
    {
        public MemcachedHost(int port)
        {
            _file = Path.GetTempFileName();
            File.WriteAllText(_file, $"memcache = inet:127.0.0.1:{port}\nkey_format = postern:%s\n");
            if (Tool.IsRoot)
                Tool.Must("chmod", "0644", _file);
            Host = MailHost.Alone(null, $"postscreen_cache_map = memcache:{_file}");
        }

        private readonly string _file;

        public MailHost Host { get; }

        public void Dispose()
        {
            Host.Dispose();
            File.Delete(_file);
        }
    }
}
