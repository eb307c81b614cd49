using System.Text;
using CsCheck;
using Postern.Core.Tables;

namespace Postern.Tests.Tables;

/// <summary>hash:, btree: and cdb: over files that postmap(1) of Postfix 3.7.11 made of <c>TableFiles/source</c>.</summary>
public sealed class DatabaseFileTests
{
    private readonly FakeTextFiles _files = new();
    private readonly WarningList _warnings = new();

    public static TheoryData<string, string> Types => new() { { "hash", ".db" }, { "btree", ".db" }, { "cdb", ".cdb" } };

    [Theory]
    [MemberData(nameof(Types))]
    public void Every_entry_that_postmap_stored_is_found(string type, string suffix)
    {
        _files["/t" + suffix] = ReadFile(type + suffix);
        var tables = new TableCatalog(_files);

        var table = tables.Open($"{type}:/t", foldCase: false, _warnings);

        Assert.Empty(tables.OpenErrors);
        var lines = ReadFile("source").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(304, lines.Length);
        foreach (var line in lines)
        {
            var (key, value) = (line.Split(' ')[0], line[(line.IndexOf(' ') + 1)..]);
            Assert.Equal(LookupResult.Found(value), table.Lookup(ListText.FoldCase(key), _warnings));
        }

        Assert.Equal(LookupResult.NotFound, table.Lookup("10.0.0.8", _warnings));
        Assert.Equal(LookupResult.NotFound, table.Lookup("Upper", _warnings));
        Assert.Equal(LookupResult.NotFound, table.Lookup("", _warnings));
        Assert.Equal(LookupResult.Found("Case"), tables.Open($"{type}:/t", foldCase: true, _warnings).Lookup("UPPER", _warnings));
        Assert.Empty(_warnings.Texts);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void A_replaced_file_takes_over(string type, string suffix)
    {
        var tables = new TableCatalog(_files);
        var table = tables.Open($"{type}:/t", foldCase: true, _warnings);
        Assert.Equal([$"open database /t{suffix}: No such file or directory"], tables.OpenErrors);
        Assert.Equal(LookupStatus.Error, table.Lookup("upper", _warnings).Status);
        Assert.Equal([$"{type}:/t is unavailable. open database /t{suffix}: No such file or directory"], _warnings.Take());

        _files["/t" + suffix] = ReadFile(type + suffix);
        tables.Refresh(_warnings);
        tables.Refresh(_warnings);

        Assert.Equal("Case", table.Lookup("upper", _warnings).Value);
        Assert.Equal([$"table {type}:/t has changed - using the new version"], _warnings.Take());

        _files["/t" + suffix] = "";
        tables.Refresh(_warnings);
        tables.Refresh(_warnings);

        Assert.Equal("Case", table.Lookup("upper", _warnings).Value);
        Assert.Equal($"table {type}:/t has changed - the version read before stays in force", _warnings.Texts[^1]);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void A_file_that_its_maker_holds_locked_is_looked_at_again(string type, string suffix)
    {
        var tables = new TableCatalog(_files);
        _files["/t" + suffix] = ReadFile(type + suffix);
        var table = tables.Open($"{type}:/t", foldCase: true, _warnings);

        _files["/t" + suffix] = "half a file";
        _files.Unreadable["/t" + suffix] = Core.ITextFiles.IsLocked;
        for (var i = 0; i < 5; i++)
            tables.Refresh(_warnings);
        Assert.Empty(_warnings.Texts);
        Assert.Equal("Case", table.Lookup("upper", _warnings).Value);

        _files.Unreadable.Clear();
        _files["/t" + suffix] = ReadFile(type + suffix);
        for (var i = 0; i < 3; i++)
            tables.Refresh(_warnings);
        Assert.Equal([$"table {type}:/t has changed - using the new version"], _warnings.Texts);
    }

    [Fact]
    public void A_file_of_the_other_method_is_refused()
    {
        _files["/t.db"] = ReadFile("hash.db");
        var tables = new TableCatalog(_files);

        tables.Open("btree:/t", foldCase: true, _warnings);

        Assert.Equal(["open database /t.db: Invalid argument"], tables.OpenErrors);
    }

    [Fact]
    public void A_cdb_with_NULs_at_the_ends_is_read_too()
    {
        _files["/t.cdb"] = MakeCdb([("a\0", "b\0"), ("c", "d")]);
        var table = new TableCatalog(_files).Open("cdb:/t", foldCase: true, _warnings);

        Assert.Equal(LookupResult.Found("b"), table.Lookup("a", _warnings));
        Assert.Equal(LookupResult.Found("d"), table.Lookup("C", _warnings));
    }

    [Fact]
    public void Any_cdb_gives_back_what_was_put_in() =>
        Gen.Dictionary(Gen.String[Gen.Char['\x01', '\xff'], 0, 12], Gen.String[Gen.Char['\x01', '\xff'], 0, 40])[0, 200].Sample(entries =>
        {
            _files["/t.cdb"] = MakeCdb([.. entries.Select(entry => (entry.Key, entry.Value))]);
            var table = new TableCatalog(_files).Open("cdb:/t", foldCase: false, _warnings);

            foreach (var (key, value) in entries)
                Assert.Equal(LookupResult.Found(value), table.Lookup(key, _warnings));
            Assert.Equal(LookupResult.NotFound, table.Lookup("no such key of 26 letters!", _warnings));
            Assert.Empty(_warnings.Texts);
        }, iter: 100, threads: 1);

    [Theory]
    [MemberData(nameof(Types))]
    public void No_damage_makes_the_reader_throw_or_hang(string type, string suffix)
    {
        var good = ReadFile(type + suffix);
        var bytes = Gen.OneOf(Gen.Char['\0', '\xff'], Gen.OneOf(Gen.Const('\0'), Gen.Const('\xff'), Gen.Const('\x7f'), Gen.Const('\x03'), Gen.Const('\x07')));
        var change = Gen.Select(Gen.Int[0, good.Length - 1], bytes);
        Gen.Select(change.List[1, 40], Gen.Int[0, good.Length]).Sample((changes, cut) =>
        {
            var bad = good.ToCharArray();
            foreach (var (at, value) in changes)
                bad[at % (at % 3 == 0 ? bad.Length : 2048)] = value; // most at the front, where the pointers are
            _files["/t" + suffix] = new string(bad, 0, cut % 4 == 0 ? cut : bad.Length);

            var table = new TableCatalog(_files).Open($"{type}:/t", foldCase: true, _warnings);
            foreach (var key in (string[])["upper", "10.0.5.7", "long", "", "two"])
                table.Lookup(key, _warnings);
            _warnings.Texts.Clear();
        }, iter: 500, threads: 1);
    }

    private static string ReadFile(string name) =>
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "TableFiles", name), Encoding.Latin1);

    /// <summary>As cdbmake(1) would.</summary>
    private static string MakeCdb(IReadOnlyList<(string Key, string Value)> entries)
    {
        var records = new StringBuilder();
        var slots = new List<(uint Hash, uint Position)>[256];
        foreach (var (key, value) in entries)
        {
            var hash = 5381u;
            foreach (var character in key)
                hash = ((hash << 5) + hash) ^ character;
            (slots[hash % 256] ??= []).Add((hash, (uint)(2048 + records.Length)));
            records.Append(Number((uint)key.Length)).Append(Number((uint)value.Length)).Append(key).Append(value);
        }

        var header = new StringBuilder();
        foreach (var bucket in slots)
        {
            var places = new (uint Hash, uint Position)[2 * (bucket?.Count ?? 0)];
            header.Append(Number((uint)(2048 + records.Length))).Append(Number((uint)places.Length));
            foreach (var slot in bucket ?? [])
            {
                var place = (slot.Hash >> 8) % (uint)places.Length;
                while (places[place].Position != 0)
                    place = (place + 1) % (uint)places.Length;
                places[place] = slot;
            }

            foreach (var (hash, position) in places)
                records.Append(Number(hash)).Append(Number(position));
        }

        return header.Append(records).ToString();
    }

    private static string Number(uint value) => Encoding.Latin1.GetString(BitConverter.GetBytes(value));
}
