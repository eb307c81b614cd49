using System.Globalization;
using System.Text.RegularExpressions;

namespace Postern.Interop.Tests;

/// <summary><c>postern allowlist</c>, with the daemon and without it.</summary>
[Collection(nameof(InteropCollection))]
public sealed class AllowlistVerbTests
{
    [Theory]
    [InlineData("btree")]
    [InlineData("lmdb")]
    public void The_daemon_tells_and_is_told(string type)
    {
        using var host = MailHost.Alone(null, $"postscreen_cache_map = {type}:$data_directory/cache");
        Pass(host, "127.0.8.1");

        Assert.Matches(@"^127\.0\.8\.1  pregreet until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\r?\n$", Verb(host, 0, "show", "127.0.8.1"));
        Assert.Equal("127.0.8.2 is not known: the tests are due", Verb(host, 1, "show", "127.0.8.2").Trim());
        Assert.Contains("nonsense is no IP address", Verb(host, 1, "show", "nonsense"), StringComparison.Ordinal);

        // Known, forgotten, tested again.
        using (var known = host.Connect("127.0.8.1"))
            Assert.StartsWith("220 ", known.ReadLine());
        Assert.Equal("127.0.8.1 is forgotten", Verb(host, 0, "forget", "127.0.8.1").Trim());
        Assert.Equal("127.0.8.1 was not known", Verb(host, 1, "forget", "127.0.8.1").Trim());
        using (var again = host.Connect("127.0.8.1"))
            Assert.StartsWith("220-", again.ReadLine());

        // What is imported counts at once. A later time stays.
        var later = DateTimeOffset.UtcNow.AddDays(9).ToUnixTimeSeconds();
        var file = host.Write("records", string.Concat(Enumerable.Range(1, 3000).Select(i => $"127.1.{i / 250}.{i % 250}\t{later};1;1;1;1\n")) + "_LAST_CACHE_CLEANUP_COMPLETED_\t1\n# comment\n127.1.0.1 5;1;1;1;1\n");
        Assert.Equal("3001 records are added", Verb(host, 0, "import", file).Trim());
        using (var imported = host.Connect("127.1.0.1"))
            Assert.StartsWith("220 ", imported.ReadLine());
        var export = Verb(host, 0, "export");
        Assert.Equal(3000, Regex.Count(export, $"(?m)^127\\.1\\.[0-9.]+ {later};"));
        Assert.Contains("3000 need no test now", Verb(host, 0, "stats"), StringComparison.Ordinal);
        Assert.Contains("records, line 1: no record: skipped", Verb(host, 1, "import", host.Write("records", "127.0.0.1 x\n")), StringComparison.Ordinal);

        // Without the daemon the file says the same, and what is written there the daemon knows at its next start.
        Assert.Equal(0, host.Postern.Stop());
        Assert.Equal(export, Verb(host, 0, "export"));
        Assert.Equal("127.1.0.1 is forgotten", Verb(host, 0, "forget", "127.1.0.1").Trim());
        Assert.Equal("1 records are added", Verb(host, 0, "import", host.Write("records", $"127.1.99.1 {later};1;1;1;1\n")).Trim());
        host.StartPostern();
        using (var forgotten = host.Connect("127.1.0.1"))
            Assert.StartsWith("220-", forgotten.ReadLine());
        using (var added = host.Connect("127.1.99.1"))
            Assert.StartsWith("220 ", added.ReadLine());
        var listed = Verb(host, 0, "list").Split('\n').Select(static line => line.Split(' ')[0]).Where(static line => line.StartsWith("127.", StringComparison.Ordinal)).ToList();
        Assert.Equal(3000, listed.Count(static address => address.StartsWith("127.1.", StringComparison.Ordinal)));
        Assert.Equal(listed.OrderBy(static a => BitConverter.ToUInt32([.. a.Split('.').Select(static part => byte.Parse(part, CultureInfo.InvariantCulture)).Reverse()])), listed);
    }

    [Fact]
    public void A_map_without_a_file_yet_is_said_to_be_one()
    {
        using var host = MailHost.Alone(null);
        Assert.Equal(0, host.Postern.Stop());
        File.Delete(Path.Combine(host.DataDirectory, "postscreen_cache.postern.db"));

        Assert.Contains("there is no such file", Verb(host, 1, "list"), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(host.DataDirectory, "postscreen_cache.postern.db")));
    }

    private static void Pass(MailHost host, string address)
    {
        using var client = host.Connect(address);
        client.ExpectGreeting();
        client.Say("QUIT", "221");
        host.WaitForLog($"PASS NEW [{address}]");
    }

    private static string Verb(MailHost host, int status, params string[] words)
    {
        var (ended, output) = PosternProcess.Run(["allowlist", words[0], "-c", host.ConfigDirectory, .. words[1..]]);
        Assert.True(ended == status, $"exit status {ended}: {output}");
        return output;
    }
}
