using Postern.Core;
using Postern.Core.Tables;

namespace Postern.Tests.Tables;

public sealed class TableCatalogTests
{
    private readonly FakeTextFiles _files = new();
    private readonly WarningList _warnings = new();
    private readonly TableCatalog _tables;

    public TableCatalogTests() => _tables = new TableCatalog(_files);

    [Fact]
    public void One_table_is_opened_once_and_shared()
    {
        _files["/t"] = "1.2.3.4/24 bad\n";

        var first = Open("cidr:/t");
        var second = Open("cidr:/t");
        var unfolded = _tables.Open("cidr:/t", foldCase: false, _warnings);

        Assert.Same(first, second);
        Assert.NotSame(first, unfolded);
        Assert.Equal(2, _files.Reads);
    }

    [Fact]
    public void An_open_error_is_told_once()
    {
        Open("cidr:/missing");
        Open("cidr:/missing");

        Assert.Equal(["open /missing: No such file or directory"], _tables.OpenErrors);
    }

    [Theory]
    [InlineData("cidr", "cidr map /t: read error: Is a directory")]
    [InlineData("texthash", "read /t: Is a directory")]
    public void A_folder_is_no_table(string type, string error)
    {
        _files.Unreadable["/t"] = "Is a directory";

        Open(type + ":/t");

        Assert.Equal([error], _tables.OpenErrors);
    }

    [Theory]
    [InlineData("cidr")]
    [InlineData("texthash")]
    public void A_new_version_takes_over_at_the_second_look(string type)
    {
        _files["/t"] = "1.2.3.4 old\n";
        var table = Open(type + ":/t");
        _files["/t"] = "1.2.3.4 new\n";

        _tables.Refresh(_warnings);
        Assert.Equal("old", Value(table));
        Assert.Empty(_warnings.Texts);

        _tables.Refresh(_warnings);
        Assert.Equal("new", Value(table));
        Assert.Equal([$"table {type}:/t has changed - using the new version"], _warnings.Take());

        _tables.Refresh(_warnings);
        Assert.Empty(_warnings.Texts);
    }

    [Fact]
    public void A_file_that_is_still_being_written_is_left_alone()
    {
        _files["/t"] = "1.2.3.4 old\n";
        var table = Open("cidr:/t");

        foreach (var half in new[] { "1.2.3.", "1.2.3.4 ne", "1.2.3.4 new\n" })
        {
            _files["/t"] = half;
            _tables.Refresh(_warnings);
            Assert.Equal("old", Value(table));
        }

        _tables.Refresh(_warnings);
        Assert.Equal("new", Value(table));
        Assert.Equal(["table cidr:/t has changed - using the new version"], _warnings.Texts);
    }

    [Fact]
    public void A_new_version_with_a_bad_line_is_refused_and_reported_once()
    {
        _files["/t"] = "1.2.3.4 old\n";
        var table = Open("cidr:/t");

        _files["/t"] = "1.2.3.4/24 oops\n1.2.3.4 new\n";
        Refresh(5);

        Assert.Equal("old", Value(table));
        Assert.Equal(
            [
                "cidr map /t, line 1: non-null host address bits in \"1.2.3.4/24\", perhaps you should use \"1.2.3.0/24\" instead: skipping this rule",
                "table cidr:/t has changed - the version read before stays in force",
            ],
            _warnings.Take());

        _files["/t"] = "1.2.3.4 new\n";
        Refresh(2);

        Assert.Equal("new", Value(table));
        Assert.Equal(["table cidr:/t has changed - using the new version"], _warnings.Texts);
    }

    [Fact]
    public void A_new_version_that_is_no_table_is_refused()
    {
        _files["/t"] = "1.2.3.4 old\n";
        var table = Open("texthash:/t");

        _files["/t"] = "1.2.3.4 new\n1.2.3.4 new\n";
        Refresh(3);

        Assert.Equal("old", Value(table));
        Assert.Equal(
            ["/t, line 2: duplicate entry: \"1.2.3.4\"", "table texthash:/t has changed - the version read before stays in force"],
            _warnings.Texts);
    }

    [Fact]
    public void Endless_garbage_is_reported_in_a_few_lines()
    {
        _files["/t"] = "1.2.3.4 old\n";
        Open("cidr:/t");

        _files["/t"] = string.Concat(Enumerable.Repeat("garbage\n", 1000));
        Refresh(2);

        Assert.Equal(22, _warnings.Texts.Count);
        Assert.Equal("table cidr:/t: 980 more warnings of this kind", _warnings.Texts[20]);
    }

    [Fact]
    public void A_file_that_goes_away_leaves_its_rules_behind()
    {
        _files["/t"] = "1.2.3.4 old\n";
        var table = Open("cidr:/t");

        _files.Remove("/t");
        Refresh(5);

        Assert.Equal("old", Value(table));
        Assert.Equal(
            ["open /t: No such file or directory", "table cidr:/t cannot be read - the version read before stays in force"],
            _warnings.Take());

        _files["/t"] = "1.2.3.4 new\n";
        Refresh(2);

        Assert.Equal("new", Value(table));
        Assert.Equal(["table cidr:/t has changed - using the new version"], _warnings.Texts);
    }

    [Fact]
    public void A_file_that_becomes_readable_is_found_although_its_stamp_is_the_same()
    {
        _files["/t"] = "1.2.3.4 old\n";
        var table = Open("cidr:/t");
        _files.Unreadable["/t"] = "Permission denied";
        _files["/t"] = "1.2.3.4 new\n";
        Refresh(4);
        Assert.Equal(
            ["open /t: Permission denied", "table cidr:/t cannot be read - the version read before stays in force"], _warnings.Take());

        _files.Unreadable.Clear();
        Refresh(1);

        Assert.Equal("new", Value(table));
    }

    [Fact]
    public void A_file_missing_at_the_start_comes_alive_even_with_a_bad_line()
    {
        var table = Open("cidr:/t");
        Refresh(2);
        Assert.Empty(_warnings.Texts);
        Assert.Equal(LookupStatus.Error, table.Lookup("1.2.3.4", _warnings).Status);
        Assert.Equal(["cidr:/t is unavailable. open /t: No such file or directory"], _warnings.Take());

        _files["/t"] = "garbage\n1.2.3.4 new\n";
        Refresh(2);

        Assert.Equal("new", Value(table));
        Assert.Equal("table cidr:/t has changed - using the new version", _warnings.Texts[^1]);
    }

    [Fact]
    public void A_table_that_stays_unusable_says_why()
    {
        var table = Open("texthash:/t");
        _files["/t"] = "a b\na c\n";
        Refresh(3);
        Assert.Equal(["/t, line 2: duplicate entry: \"a\""], _warnings.Take());

        table.Lookup("a", _warnings);

        Assert.Equal(["texthash:/t is unavailable. /t, line 2: duplicate entry: \"a\""], _warnings.Texts);
    }

    [Fact]
    public void Files_in_match_lists_follow_their_changes_and_those_they_come_to_name()
    {
        _files["/a"] = "10.0.0.0/8\n";
        var list = MatchList.Parse("list", "!/a static:all", _tables, _warnings, out _)!;
        Assert.Equal(MatchOutcome.No, list.Match(Address("10.0.0.1"), _warnings));

        _files["/a"] = "/b\n";
        _files["/b"] = "cidr:/c\n";
        _files["/c"] = "192.0.2.0/24 x\n";
        Refresh(2);
        Assert.Equal(["file /a has changed - using the new version"], _warnings.Take());
        Assert.Equal(MatchOutcome.Yes, list.Match(Address("10.0.0.1"), _warnings));
        Assert.Equal(MatchOutcome.No, list.Match(Address("192.0.2.1"), _warnings));

        _files["/c"] = "198.51.100.0/24 x\n";
        Refresh(2);
        Assert.Equal(["table cidr:/c has changed - using the new version"], _warnings.Take());
        Assert.Equal(MatchOutcome.No, list.Match(Address("198.51.100.1"), _warnings));

        _files["/b"] = "203.0.113.0/24\n";
        Refresh(2);
        Assert.Equal(["file /b has changed - using the new version"], _warnings.Take());
        Assert.Equal(MatchOutcome.No, list.Match(Address("203.0.113.1"), _warnings));
    }

    [Theory]
    [InlineData("!\n", "list: no pattern after '!'")]
    [InlineData("/a\n", "list: file /a includes itself")]
    [InlineData("foo:bar\n", "unsupported dictionary type: foo")]
    [InlineData("/missing\n", "open file /missing: No such file or directory")]
    [InlineData("10.0.0.1 #note", "list: comment at end of line is not supported: #note ")]
    public void A_bad_new_version_of_a_match_list_file_is_refused(string text, string warning)
    {
        _files["/a"] = "10.0.0.0/8\n";
        var list = MatchList.Parse("list", "/a", _tables, _warnings, out _)!;

        _files["/a"] = text;
        Refresh(4);

        Assert.Equal([warning, "file /a has changed - the version read before stays in force"], _warnings.Texts);
        Assert.Equal(MatchOutcome.Yes, list.Match(Address("10.9.9.9"), _warnings));
        Assert.Empty(_tables.OpenErrors);
    }

    [Fact]
    public void A_match_list_file_missing_at_the_start_comes_alive()
    {
        var list = MatchList.Parse("list", "/a", _tables, _warnings, out _)!;
        Assert.Equal(MatchOutcome.Error, list.Match(Address("10.9.9.9"), _warnings));
        _warnings.Take();

        _files["/a"] = "10.0.0.0/8\n";
        Refresh(2);

        Assert.Equal(MatchOutcome.Yes, list.Match(Address("10.9.9.9"), _warnings));
        Assert.Equal(["file /a has changed - using the new version"], _warnings.Texts);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n\t\n")]
    public void A_file_that_is_suddenly_empty_leaves_its_rules_behind(string text)
    {
        _files["/t"] = "1.2.3.4 old\n";
        var table = Open("cidr:/t");

        _files["/t"] = text;
        Refresh(5);

        Assert.Equal("old", Value(table));
        Assert.Equal(
            ["table cidr:/t is empty - the version read before stays in force; if it is to be empty, write a comment into it, a line such as \"# empty\""],
            _warnings.Take());

        _files["/t"] = "# empty\n";
        Refresh(2);

        Assert.Equal(LookupResult.NotFound, table.Lookup("1.2.3.4", _warnings));
        Assert.Equal(["table cidr:/t has changed - using the new version"], _warnings.Texts);
    }

    [Fact]
    public void A_file_that_was_empty_may_be_so_again()
    {
        _files["/t"] = "";
        Open("cidr:/t");

        _files["/t"] = "\n";
        Refresh(2);

        Assert.Equal(["table cidr:/t has changed - using the new version"], _warnings.Texts);
    }

    [Fact]
    public void A_match_lists_file_that_is_suddenly_empty_stays_too()
    {
        _files["/a"] = "10.0.0.0/8\n";
        var list = MatchList.Parse("list", "/a", _tables, _warnings, out _)!;

        _files["/a"] = "";
        Refresh(3);

        Assert.Equal(MatchOutcome.Yes, list.Match(Address("10.9.9.9"), _warnings));
        Assert.StartsWith("file /a is empty - the version read before stays in force;", Assert.Single(_warnings.Texts), StringComparison.Ordinal);
    }

    [Fact]
    public void A_reload_reads_what_has_changed_and_nothing_else()
    {
        (_files["/same"], _files["/other"]) = ("garbage\n1.2.3.4 same\n", "1.2.3.4 old\n");
        Open("cidr:/same");
        Open("cidr:/other");
        var flaw = Assert.Single(_warnings.Take());
        var reads = _files.Reads;

        _files["/other"] = "1.2.3.4 new\n";
        var next = new TableCatalog(_files) { Before = _tables };
        var (same, other) = (next.Open("cidr:/same", foldCase: true, _warnings), next.Open("cidr:/other", foldCase: true, _warnings));

        Assert.Equal(("same", "new"), (Value(same), Value(other)));
        Assert.Equal(reads + 1, _files.Reads);
        Assert.Equal([flaw], _warnings.Take()); // what is wrong with it still is

        _files["/same"] = "1.2.3.4 newest\n";
        next.Refresh(_warnings);
        next.Refresh(_warnings);
        Assert.Equal("newest", Value(same));
    }

    [Fact]
    public void A_reload_keeps_what_can_no_longer_be_read()
    {
        (_files["/gone"], _files["/pipe"], _files["/empty"]) = ("1.2.3.4 a\n", "1.2.3.4 b\n", "1.2.3.4 c\n");
        foreach (var name in (string[])["gone", "pipe", "empty"])
            Open("cidr:/" + name);

        _files.Remove("/gone");
        (_files["/pipe"], _files.Unreadable["/pipe"]) = ("", "it is a named pipe, not a file");
        _files["/empty"] = "";
        var next = new TableCatalog(_files) { Before = _tables };
        var values = ((string[])["gone", "pipe", "empty"]).Select(name => Value(next.Open("cidr:/" + name, foldCase: true, _warnings))).ToArray();

        Assert.Equal(["a", "b", "c"], values);
        Assert.Empty(next.OpenErrors);
        Assert.Equal(
            [
                "open /gone: No such file or directory",
                "table cidr:/gone cannot be read - the version read before stays in force",
                "open /pipe: it is a named pipe, not a file",
                "table cidr:/pipe cannot be read - the version read before stays in force",
                "table cidr:/empty is empty - the version read before stays in force; if it is to be empty, write a comment into it, a line such as \"# empty\"",
            ],
            _warnings.Take());

        for (var i = 0; i < 3; i++)
            next.Refresh(_warnings);
        Assert.Empty(_warnings.Texts);
        _files["/gone"] = "1.2.3.4 back\n";
        next.Refresh(_warnings);
        next.Refresh(_warnings);
        Assert.Equal("back", Value(next.Open("cidr:/gone", foldCase: true, _warnings)));
    }

    [Fact]
    public void A_large_file_of_an_access_list_is_read_when_there_is_time()
    {
        _files["/large"] = "1.2.3.4 large\n" + new string('#', 100_000) + "\n";
        _files["/small"] = "1.2.3.4 small\n";
        var tables = new TableCatalog(_files) { ReadsLater = true };
        var large = tables.OpenUtf8("cidr:/large", foldCase: true, _warnings, mayReadLater: true);
        var small = tables.OpenUtf8("cidr:/small", foldCase: true, _warnings, mayReadLater: true);
        var other = tables.Open("cidr:/large", foldCase: false, _warnings);

        Assert.True(tables.HasRest);
        Assert.Equal((LookupWait.Reading, LookupWait.None, LookupWait.None), (large.Wait, small.Wait, other.Wait));
        Assert.Equal(("small", "large"), (Value(small), Value(other)));
        tables.Refresh(_warnings);
        tables.Refresh(_warnings);
        Assert.Equal(LookupWait.Reading, large.Wait);

        tables.ReadRest(_warnings);

        Assert.False(tables.HasRest);
        Assert.Equal((LookupWait.None, "large"), (large.Wait, Value(large)));
        Assert.Empty(tables.OpenErrors);
        Assert.Empty(_warnings.Texts);
    }

    [Fact]
    public void A_large_file_that_is_missing_is_an_error_at_once_and_one_that_is_no_table_when_it_is_read()
    {
        _files["/t"] = string.Concat(Enumerable.Range(0, 20_000).Select(static i => $"key{i / 2} value\n"));
        var tables = new TableCatalog(_files) { ReadsLater = true };
        tables.OpenUtf8("texthash:/missing", foldCase: true, _warnings, mayReadLater: true);
        var table = tables.OpenUtf8("texthash:/t", foldCase: true, _warnings, mayReadLater: true);
        Assert.Equal(["open database /missing: No such file or directory"], tables.OpenErrors);

        tables.ReadRest(_warnings);

        Assert.Equal(["/t, line 2: duplicate entry: \"key0\""], _warnings.Take());
        Assert.Equal((LookupWait.None, LookupResult.Error), (table.Wait, table.Lookup("key0", _warnings)));
    }

    [Fact]
    public void What_was_just_written_is_taken_over_at_once()
    {
        _files["/t"] = "1.2.3.4 old\n";
        var table = Open("cidr:/t");
        var twin = _tables.Open("cidr:/t", foldCase: false, _warnings);

        _files["/t"] = "1.2.3.4 new\n";
        Assert.Equal(TableFileState.InForce, _tables.ReadNow("/t", _warnings));
        Assert.Equal(("new", "new"), (Value(table), Value(twin)));
        Assert.Equal(TableFileState.InForce, _tables.ReadNow("/t", _warnings)); // as it was

        _files["/t"] = "garbage\n";
        Assert.Equal(TableFileState.Refused, _tables.ReadNow("/t", _warnings));
        Assert.Equal("new", Value(table));
        Assert.Equal(TableFileState.Unused, _tables.ReadNow("/elsewhere", _warnings));
    }

    private ILookupTable Open(string spec) => _tables.Open(spec, foldCase: true, _warnings);

    private void Refresh(int times)
    {
        for (var i = 0; i < times; i++)
            _tables.Refresh(_warnings);
    }

    private string Value(ILookupTable table) => table.Lookup("1.2.3.4", _warnings).Value;

    private static IpAddress Address(string text)
    {
        Assert.True(IpAddress.TryParse(text, out var address));
        return address;
    }
}
