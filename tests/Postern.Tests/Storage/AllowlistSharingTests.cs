using Postern.Core.Allowlist;
using Postern.Storage;
using static Postern.Tests.Storage.AllowlistBench;

namespace Postern.Tests.Storage;

/// <summary>Several processes on one file; two connections are the same to SQLite.</summary>
public sealed class AllowlistSharingTests : IDisposable
{
    private readonly AllowlistBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void What_another_process_writes_becomes_known()
    {
        var (one, other) = OpenTwo();

        one.Remember(Client, Until(5));
        _bench.Save(one);
        _bench.RunUntil(other, () => other.TryRecall(Client, out _));
        other.Remember(Client, Until(15));
        _bench.Save(other);

        _bench.RunUntil(one, () => one.TryRecall(Client, out var expiry) && expiry == Until(15));
    }

    [Fact]
    public void Writing_does_not_hide_what_the_other_wrote_before()
    {
        _bench.Options = _bench.Options with { PollInterval = TimeSpan.FromHours(1) };
        var (one, other) = OpenTwo();
        other.Remember(Address(2), _bench.Passed);
        _bench.Save(other);

        one.Remember(Address(1), _bench.Passed);
        _bench.Save(one);

        Assert.True(one.TryRecall(Address(2), out _));
    }

    [Fact]
    public void Our_unsaved_word_is_newer_than_what_is_read()
    {
        _bench.Options = _bench.Options with { PollInterval = TimeSpan.FromHours(1) };
        var (one, other) = OpenTwo();
        other.Remember(Client, Until(5));
        _bench.Save(other);

        one.Remember(Client, Until(15));
        _bench.Save(one);

        Assert.True(one.TryRecall(Client, out var expiry));
        Assert.Equal(Until(15), expiry);
        Assert.Equal(CacheRecord.Format(Until(15)), _bench.Record(Client));
    }

    [Fact]
    public void Cleanup_does_not_delete_what_another_process_has_renewed()
    {
        _bench.Options = _bench.Options with { PollInterval = TimeSpan.FromHours(1) };
        var (one, other) = OpenTwo();
        one.Remember(Client, default);
        _bench.Save(one);
        other.Remember(Client, _bench.Passed);
        _bench.Save(other);

        _bench.RunUntilLogged(one, "dropped=1"); // it has not heard of the renewal
        _bench.Save(one);

        Assert.Equal(CacheRecord.Format(_bench.Passed), _bench.Record(Client));
        Assert.True(one.TryRecall(Client, out _));
    }

    [Fact]
    public void Rows_after_a_deletion_are_not_overlooked()
    {
        var (one, other) = OpenTwo();
        one.Remember(Address(1), _bench.Passed);
        _bench.Save(one);
        _bench.RunUntil(other, () => other.TryRecall(Address(1), out _));
        _bench.Query("DELETE FROM clients"); // a number that was given is not given again

        one.Remember(Address(2), _bench.Passed);
        _bench.Save(one);

        _bench.RunUntil(other, () => other.TryRecall(Address(2), out _));
    }

    [Fact]
    public void When_the_file_is_replaced_each_process_goes_over_to_the_new_one()
    {
        var (one, other) = OpenTwo();
        one.Remember(Address(1), _bench.Passed);
        _bench.Save(one);
        _bench.RunUntil(other, () => other.TryRecall(Address(1), out _));

        foreach (var file in Directory.GetFiles(_bench.Directory))
            File.Delete(file);
        one.Remember(Address(2), _bench.Passed);
        other.Remember(Address(3), _bench.Passed);
        _bench.Save(one);
        _bench.Save(other);

        _bench.RunUntil(one, () => one.TryRecall(Address(3), out _));
        _bench.RunUntil(other, () => other.TryRecall(Address(2), out _));
        Assert.NotNull(_bench.Record(Address(1)));
    }

    private TestExpiry Until(uint minute) => _bench.Passed with { Dnsbl = _bench.Passed.Pregreet + 60 * minute };

    private (TemporaryAllowlist One, TemporaryAllowlist Other) OpenTwo() => (_bench.OpenLoaded(), _bench.OpenLoaded());
}
