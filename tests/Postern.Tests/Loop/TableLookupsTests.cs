using System.Collections.Concurrent;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Screening;
using Postern.Core.Tables;
using Postern.Loop;
using Postern.Tests.Tables;

namespace Postern.Tests.Loop;

/// <summary>Questions to slow tables are asked beside the loop.</summary>
public sealed class TableLookupsTests : IDisposable
{
    private readonly ConcurrentQueue<Action> _posts = [];
    private readonly TableLookups _lookups;

    public TableLookupsTests() => _lookups = new TableLookups(_posts.Enqueue);

    public void Dispose() => _lookups.Dispose();

    [Fact]
    public void One_list_that_hangs_keeps_no_other_waiting()
    {
        using var never = new ManualResetEventSlim();
        var (hung, healthy) = (new object(), new object());
        for (var i = 0; i < 100; i++)
            _lookups.Ask(Question(hung, _ => Wait(never)), () => Assert.Fail("no answer"));

        var answers = 0;
        for (var i = 0; i < 100; i++)
            _lookups.Ask(Question(healthy, static _ => LookupResult.NotFound), () => answers++);

        TakePosts(() => answers == 100);
        never.Set();

        static LookupResult Wait(ManualResetEventSlim never)
        {
            never.Wait();
            throw new OperationCanceledException(); // the answers that nobody waits for any more
        }
    }

    [Fact]
    public void Look_ups_in_one_list_do_not_wait_for_each_other()
    {
        using var together = new Barrier(4);
        var answers = 0;
        var list = new object();

        for (var i = 0; i < 4; i++)
            _lookups.Ask(Question(list, _ => together.SignalAndWait(20_000) ? LookupResult.NotFound : LookupResult.Error), () => answers++);

        TakePosts(() => answers == 4);
    }

    [Fact]
    public void A_bug_in_a_table_is_an_error_that_says_so()
    {
        var question = Question(this, static _ => throw new InvalidOperationException("a bug"));
        var isAnswered = false;

        _lookups.Ask(question, () => isAnswered = true);

        TakePosts(() => isAnswered);
        Assert.Equal(LookupResult.Error, question.Answer);
        var warnings = new WarningList();
        question.Report(warnings);
        Assert.Contains("internal error: System.InvalidOperationException: a bug", Assert.Single(warnings.Texts), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_asked_about_a_file_waits_until_it_is_read()
    {
        _lookups.BeginReading();
        var (isRead, wasRead) = (false, false);
        var answers = 0;
        _lookups.Ask(Question(this, _ => (wasRead = Volatile.Read(ref isRead), LookupResult.NotFound).Item2, LookupWait.Reading), () => answers++);
        _lookups.Ask(Question(new object(), static _ => LookupResult.NotFound), () => answers++);
        TakePosts(() => answers == 1);

        Volatile.Write(ref isRead, true);
        _lookups.EndReading();

        TakePosts(() => answers == 2);
        Assert.True(wasRead);
    }

    [Fact]
    public void The_loop_serves_others_while_a_client_waits_for_its_table()
    {
        using var release = new ManualResetEventSlim();
        var table = new SlowTable("slow:it") { Answer = _ => release.Wait(20_000) ? LookupResult.Found("reject") : LookupResult.Error };
        using var server = new PassServer();
        using var harness = new LoopHarness(With(table), server.Path);
        using var lookups = new TableLookups(harness.Loop.Post);
        harness.Loop.Post(() => harness.Loop.TableLookups = lookups);
        using var waiting = harness.Connect();
        harness.WaitForLog("CONNECT from");
        harness.Loop.Post(() => harness.Service.Settings = new Settings { GreetBanner = "others" });

        using var other = harness.Connect();
        Assert.Equal("220-others\r\n", LoopHarness.ReadLine(other));
        Assert.Equal(0, waiting.Available);
        release.Set();

        Assert.Equal("521 5.3.2 Service currently unavailable\r\n", LoopHarness.ReadLine(waiting));
        harness.WaitForLog("DENYLISTED");
    }

    [Fact]
    public void Without_threads_the_table_is_asked_in_place()
    {
        var table = new SlowTable("slow:it") { Answer = static _ => LookupResult.Found("reject") };
        using var server = new PassServer();
        using var harness = new LoopHarness(With(table), server.Path);

        using var client = harness.Connect();

        Assert.Equal("521 5.3.2 Service currently unavailable\r\n", LoopHarness.ReadLine(client));
    }

    private static Settings With(SlowTable table) => new()
    {
        DenylistAction = FailAction.Drop,
        AccessList = AccessList.Parse("slow:it", MatchList.Everything, null, table.Catalog(), new SessionActions()),
    };

    private static TableQuestion<LookupResult> Question(object asked, Func<IWarningSink, LookupResult> ask, LookupWait wait = LookupWait.Answer) =>
        new(ask, LookupResult.Error) { Asked = asked, Wait = wait };

    private void TakePosts(Func<bool> isDone) => LoopHarness.Until(
        () =>
        {
            while (_posts.TryDequeue(out var post))
                post();
            return isDone();
        },
        "not answered");
}
