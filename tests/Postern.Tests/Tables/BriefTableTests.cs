using Postern.Core;
using Postern.Core.Tables;
using Postern.Tables;

namespace Postern.Tests.Tables;

public sealed class BriefTableTests
{
    private static readonly TimeSpan Plenty = TimeSpan.FromSeconds(30);

    private readonly WarningList _warnings = new();

    [Fact]
    public void A_table_that_answers_soon_is_asked_as_it_is()
    {
        var table = new BriefTable(new Table(LookupWait.Answer, sink =>
        {
            sink.Warn("hm");
            return LookupResult.Found("x");
        }), Plenty);

        Assert.Equal(LookupResult.Found("x"), table.Lookup("a", _warnings));
        Assert.Equal(LookupResult.Found("x"), table.Lookup(Ip.Of("192.0.2.7"), _warnings));
        Assert.Equal(["hm", "hm"], _warnings.Texts);
    }

    [Fact]
    public void Where_there_is_nothing_to_wait_for_no_thread_does_it()
    {
        var here = Environment.CurrentManagedThreadId;
        var table = new BriefTable(new Table(LookupWait.None, _ => LookupResult.Found($"{Environment.CurrentManagedThreadId}")), Plenty);

        Assert.Equal(LookupResult.Found($"{here}"), table.Lookup("a", _warnings));
    }

    [Fact]
    public void A_look_up_that_takes_too_long_is_an_error_and_so_is_the_next_one()
    {
        using var end = new ManualResetEventSlim();
        var asked = 0;
        var table = new BriefTable(new Table(LookupWait.Answer, _ =>
        {
            asked++;
            end.Wait();
            return LookupResult.Found("x");
        }), TimeSpan.FromMilliseconds(20));

        Assert.Equal(LookupResult.Error, table.Lookup("a", _warnings));
        Assert.Equal(LookupResult.Error, table.Lookup("b", _warnings));

        Assert.Equal(["test: no answer in 20 ms, which is as long as a session can wait for this table", "test: not asked, since the look-up before took too long"], _warnings.Texts);
        Assert.Equal(1, asked);
        end.Set();
    }

    private sealed class Table(LookupWait wait, Func<IWarningSink, LookupResult> lookup) : ILookupTable
    {
        public string Name => "test";

        public LookupWait Wait => wait;

        public LookupResult Lookup(string key, IWarningSink warnings) => lookup(warnings);
    }
}
