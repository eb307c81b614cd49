using Postern.Core.Tables;
using Postern.Lmdb;
using Postern.Native;
using Postern.Tables;
using static Postern.Tests.Lmdb.LmdbBench;

namespace Postern.Tests.Lmdb;

public sealed class LmdbTableTests : IDisposable
{
    private readonly LmdbBench _bench = new();
    private readonly RecordedWarnings _warnings = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Finds_what_postmap_wrote_and_what_it_writes_later()
    {
        _bench.Postmap("192.0.2.7 reject\nName permit\n", "-i", $"lmdb:{_bench.Folder}/t");
        var table = Open();

        Assert.Equal(LookupResult.Found("reject"), table.Lookup("192.0.2.7", _warnings));
        Assert.Equal(LookupResult.Found("permit"), table.Lookup("NAME", _warnings)); // keys are stored in lower case
        Assert.Equal(LookupResult.NotFound, table.Lookup("192.0.2.8", _warnings));
        Assert.Equal(LookupResult.NotFound, table.Lookup("", _warnings));
        Assert.Equal(LookupResult.NotFound, table.Lookup(new string('k', 5000), _warnings));
        _bench.Postmap("192.0.2.8 permit\n", "-i", $"lmdb:{_bench.Folder}/t");
        Assert.Equal(LookupResult.Found("permit"), table.Lookup("192.0.2.8", _warnings));
        Assert.Empty(_warnings.Texts);
    }

    [Fact]
    public void Follows_the_name_to_a_new_file()
    {
        Put(_bench.Open(), "a", "old");
        var table = Open();
        Assert.Equal("old", table.Lookup("a", _warnings).Value);

        File.Move(_bench.Path, _bench.Path + ".old");
        Assert.Equal(LookupResult.Error, table.Lookup("a", _warnings));
        Put(_bench.Open(), "a", "new");

        Assert.Equal("new", table.Lookup("a", _warnings).Value);
        Assert.Equal([$"lmdb:{_bench.Folder}/t: lookup of \"a\" in {_bench.Path} failed: No such file or directory"], _warnings.Texts);
    }

    [Fact]
    public void A_locked_file_is_an_error_after_a_moment()
    {
        Put(_bench.Open(), "a", "1");
        var table = Open();
        var holder = Libc.open(_bench.Path, Libc.O_RDWR, 0);
        Assert.Null(LmdbLock.Take(holder, exclusive: true, Patience));

        Assert.Equal(LookupResult.Error, table.Lookup("a", _warnings));
        _ = Libc.close(holder);

        Assert.Equal("1", table.Lookup("a", _warnings).Value);
        Assert.Single(_warnings.Texts);
    }

    [Fact]
    public void A_missing_file_is_told_in_Postfixs_words()
    {
        Assert.Null(LmdbTable.Parse(Source(), 16 << 20, out var problem));

        Assert.Equal($"open database {_bench.Path}: No such file or directory", problem);
    }

    private TableSource Source() => new($"lmdb:{_bench.Folder}/t", $"{_bench.Folder}/t", null, FoldCase: true, DuplicateKeys.Refused);

    private LmdbTable Open()
    {
        var table = LmdbTable.Parse(Source(), 16 << 20, out var problem);
        Assert.Null(problem);
        return table!;
    }
}
