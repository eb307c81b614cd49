using Postern.Control;
using Postern.Core;
using Postern.Core.Tables;
using Postern.Storage;
using Postern.Tests.Logging;

namespace Postern.Tests.Control;

public sealed class AccessCommandsTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 24, 21, 0, 0, TimeSpan.Zero);

    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _log = [];
    private int _changes;
    private string? _problem; // why the table does not take the file

    private string FilePath => _folder["access.cidr"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_newest_word_about_a_client_decides_and_what_others_wrote_stays()
    {
        File.WriteAllText(FilePath, "# my own\n192.0.2.0/24 reject\n198.51.100.1 DUNNO\n");

        Assert.Null(Do("allow", "192.0.2.7"));
        Assert.Null(Do("deny", "2001:db8::/32"));
        Assert.Null(Do("deny", "[192.0.2.9]"));
        Assert.Null(Do("allow", "192.0.2.9"));

        Assert.Equal(
            """
            # 2026-11-24T21:00:00Z joe
            192.0.2.9 permit
            # 2026-11-24T21:00:00Z joe
            2001:db8::/32 reject
            # 2026-11-24T21:00:00Z joe
            192.0.2.7 permit
            # my own
            192.0.2.0/24 reject
            198.51.100.1 DUNNO

            """,
            File.ReadAllText(FilePath));
        Assert.Equal(
            [new("192.0.2.9", true, "2026-11-24T21:00:00Z", "joe"), new("2001:db8::/32", false, "2026-11-24T21:00:00Z", "joe"), new("192.0.2.7", true, "2026-11-24T21:00:00Z", "joe"), new AccessEntry("192.0.2.0/24", false, null, null)],
            new AccessFile(FilePath).Read());
        var table = Open();
        Assert.Equal(("permit", "permit", "reject", "reject"), (Ask(table, "192.0.2.7"), Ask(table, "192.0.2.9"), Ask(table, "192.0.2.8"), Ask(table, "2001:db8::1")));
        Assert.Equal(4, _changes);
    }

    [Fact]
    public void What_is_removed_takes_its_stamp_along()
    {
        File.WriteAllText(FilePath, "# my own\n192.0.2.7 permit\n");
        Assert.Null(Do("deny", "192.0.2.8"));

        Assert.Null(Do("remove", "192.0.2.8"));
        Assert.Equal("# my own\n192.0.2.7 permit\n", File.ReadAllText(FilePath));
        Assert.Null(Do("remove", "192.0.2.7"));

        Assert.Equal("# my own\n", File.ReadAllText(FilePath));
        Assert.Equal("there is no entry for 192.0.2.7", Do("remove", "192.0.2.7"));
        Assert.Equal(["ACCESS DENY 192.0.2.8 by=joe", "ACCESS REMOVE 192.0.2.8 by=joe", "ACCESS REMOVE 192.0.2.7 by=joe"], _log);
    }

    [Theory]
    [InlineData("allow", "0.0.0.0/0", "joe", "0.0.0.0/0 is more than this is meant for")]
    [InlineData("deny", "::/8", "joe", "::/8 is more than this is meant for")]
    [InlineData("allow", "mail.example.com", "joe", "bad address pattern: \"mail.example.com\"")]
    [InlineData("allow", "192.0.2.7/24", "joe", "non-null host address bits in \"192.0.2.7/24\", perhaps you should use \"192.0.2.0/24\" instead")]
    [InlineData("allow", "192.0.2.7", "joe\npermit", "access takes an action, an address and a name")]
    [InlineData("allow", "192.0.2.7", "", "access takes an action, an address and a name")]
    [InlineData("welcome", "192.0.2.7", "joe", "no such request: welcome 192.0.2.7")]
    [InlineData("forget", "192.0.2.0/24", "joe", "no such request: forget 192.0.2.0/24")]
    [InlineData("forget", "192.0.2.7", "joe", "192.0.2.7 is not known")]
    public void What_is_no_good_changes_nothing_and_is_not_logged(string action, string network, string who, string problem)
    {
        Assert.Equal(problem, Do(action, network, who));

        Assert.False(File.Exists(FilePath));
        Assert.Empty(_log);
        Assert.Equal(0, _changes);
    }

    [Fact]
    public void A_client_is_forgotten_and_a_wrong_token_is_a_warning()
    {
        Assert.Null(Do("forget", "192.0.2.1"));
        Assert.Null(Commands().Answer(["refused", "192.0.2.66"], TextWriter.Null));

        Assert.Equal(["ACCESS FORGET 192.0.2.1 by=joe", "warning: postern_http: wrong token from [192.0.2.66]"], _log);
        Assert.Equal(0, _changes);
    }

    [Fact]
    public void A_full_file_is_left_as_it_is()
    {
        var full = string.Concat(Enumerable.Range(0, 69_000).Select(static i => $"10.{i >> 16}.{(i >> 8) & 255}.{i & 255} permit\n"));
        File.WriteAllText(FilePath, full[..(1 << 20)]);

        Assert.Equal($"{FilePath} is full: write networks in place of single addresses", Do("allow", "192.0.2.7"));

        Assert.Equal(full[..(1 << 20)], File.ReadAllText(FilePath));
        Assert.Empty(_log);
    }

    [Fact]
    public void A_mapped_network_is_the_IPv4_network_that_it_stands_for()
    {
        Assert.Null(Do("allow", "::ffff:10.98.0.0/112"));
        Assert.Null(Do("deny", "::ffff:192.0.2.7"));
        Assert.Equal("::ffff:0.0.0.0/96 is more than this is meant for", Do("allow", "::ffff:0.0.0.0/96"));

        Assert.Equal(["192.0.2.7 reject", "10.98.0.0/16 permit"], File.ReadLines(FilePath).Where(static line => line[0] != '#'));
        Assert.Equal(["ACCESS ALLOW 10.98.0.0/16 by=joe", "ACCESS DENY 192.0.2.7 by=joe"], _log);
        var table = Open();
        Assert.Equal(("permit", "reject"), (Ask(table, "10.98.7.7"), Ask(table, "192.0.2.7")));
    }

    [Theory]
    [InlineData("# my own\n192.0.2.9 permit\n")]
    [InlineData(null)]
    public void What_the_table_does_not_take_is_taken_back_and_not_called_done(string? former)
    {
        if (former is not null)
            File.WriteAllText(FilePath, former);
        _problem = "line 9: bad address pattern";

        Assert.Equal("not in force: line 9: bad address pattern", Do("deny", "192.0.2.7"));

        Assert.Equal(former, File.Exists(FilePath) ? File.ReadAllText(FilePath) : null);
        Assert.Empty(_log);
    }

    [Fact]
    public void A_change_that_cannot_be_written_is_not_called_done()
    {
        Directory.CreateDirectory(FilePath); // in the way

        Assert.NotNull(Do("deny", "192.0.2.7"));

        Assert.Empty(_log);
        Assert.Equal(0, _changes);
    }

    [Fact]
    public void The_last_entry_leaves_a_file_that_is_empty_on_purpose()
    {
        Assert.Null(Do("deny", "192.0.2.7"));

        Assert.Null(Do("remove", "192.0.2.7"));

        Assert.Equal("# no entries\n", File.ReadAllText(FilePath));
        Assert.Empty(new AccessFile(FilePath).Read());
    }

    private AccessCommands Commands() => new(
        new AccessFile(FilePath), static client => client.ToString() == "192.0.2.1", path =>
        {
            _changes++;
            return _problem;
        }, (text, isWarning) => _log.Add((isWarning ? "warning: " : "") + text), new StoppedClock());

    private string? Do(string action, string network, string who = "joe") => Commands().Answer([action, network, who], TextWriter.Null);

    private ILookupTable Open()
    {
        var tables = new TableCatalog(new TextFiles());
        var table = tables.Open("cidr:" + FilePath, foldCase: true, new RecordedWarnings());
        Assert.Empty(tables.OpenErrors);
        return table;
    }

    private static string Ask(ILookupTable table, string client) =>
        table.Lookup(IpAddress.TryParse(client, out var address) ? address : throw new ArgumentException(client), new RecordedWarnings()).Value;

    private sealed class StoppedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => Now;
    }
}
