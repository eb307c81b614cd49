using System.Diagnostics;
using Postern.Core;
using Postern.Core.Tables;

namespace Postern.Tables;

/// <summary>
/// A table for who cannot wait: what is asked in the middle of a session, on the loop. Where a look-up may take long, another
/// thread does it, and after a moment it is an error. Then nothing is asked for a while, and not before it has ended.
/// </summary>
/// <param name="table">May be asked by another thread.</param>
/// <param name="limit">How long the asker is kept waiting.</param>
internal sealed class BriefTable(ILookupTable table, TimeSpan limit) : ILookupTable
{
    /// <summary>How long the loop may be kept waiting by one look-up.</summary>
    public static readonly TimeSpan LoopLimit = TimeSpan.FromMilliseconds(50);

    private const int StackSize = 256 * 1024;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    private int _isAsked; // 1: a look-up is under way
    private long _pauseEnds = long.MinValue; // ticks of Stopwatch

    /// <inheritdoc />
    public string Name => table.Name;

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings) =>
        table.Wait is LookupWait.Answer ? Ask(sink => table.Lookup(key, sink), warnings) : table.Lookup(key, warnings);

    /// <inheritdoc />
    public LookupResult Lookup(IpAddress address, IWarningSink warnings) =>
        table.Wait is LookupWait.Answer ? Ask(sink => table.Lookup(address, sink), warnings) : table.Lookup(address, warnings);

    private LookupResult Ask(Func<IWarningSink, LookupResult> lookup, IWarningSink warnings)
    {
        if (Stopwatch.GetTimestamp() < Volatile.Read(ref _pauseEnds) || Interlocked.Exchange(ref _isAsked, 1) == 1)
        {
            warnings.Warn($"{Name}: not asked, since the look-up before took too long");
            return LookupResult.Error;
        }

        var question = new TableQuestion<LookupResult>(lookup, LookupResult.Error) { Wait = LookupWait.Answer, Asked = this };
        var answered = new ManualResetEventSlim();
        new Thread(() => Work(question, answered), StackSize) { IsBackground = true, Name = "table" }.Start();
        if (answered.Wait(limit))
        {
            question.Report(warnings);
            return question.Answer;
        }

        Volatile.Write(ref _pauseEnds, Stopwatch.GetTimestamp() + (long)(Pause.TotalSeconds * Stopwatch.Frequency));
        warnings.Warn($"{Name}: no answer in {limit.TotalMilliseconds} ms, which is as long as a session can wait for this table");
        return LookupResult.Error;
    }

    private void Work(TableQuestion question, ManualResetEventSlim answered)
    {
        try
        {
            question.Ask();
        }
        catch (Exception bug) when (bug is not OutOfMemoryException)
        {
            question.Warn($"internal error: {bug}".ReplaceLineEndings(" ")); // and no answer, which is an error
        }
        finally
        {
            Volatile.Write(ref _isAsked, 0);
            answered.Set();
        }
    }
}
