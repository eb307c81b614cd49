namespace Postern.Core.Tables;

/// <summary>
/// A question to tables that may have to wait for their answer: it is asked on another thread, once, and its asker gets it
/// back.
/// </summary>
public abstract class TableQuestion : IWarningSink
{
    private const int MostWarnings = 100;

    private readonly List<(string Text, bool IsNote)> _warnings = [];

    /// <summary>What there is to wait for.</summary>
    public required LookupWait Wait { get; init; }

    /// <summary>Whom it is put to: questions to others do not wait for this one.</summary>
    public required object Asked { get; init; }

    /// <summary>Asks the tables; takes its time.</summary>
    public abstract void Ask();

    /// <inheritdoc />
    public void Warn(string text) => Keep(text, isNote: false);

    /// <inheritdoc />
    public void Note(string text) => Keep(text, isNote: true);

    /// <summary>Tells what the tables had to say besides.</summary>
    public void Report(IWarningSink warnings)
    {
        foreach (var (text, isNote) in _warnings)
        {
            if (isNote)
                warnings.Note(text);
            else
                warnings.Warn(text);
        }
    }

    private void Keep(string text, bool isNote)
    {
        if (_warnings.Count < MostWarnings)
            _warnings.Add((text, isNote));
    }
}

/// <inheritdoc />
/// <param name="ask">Asks; is given the place for warnings.</param>
/// <param name="error">The answer while there is none.</param>
public sealed class TableQuestion<TAnswer>(Func<IWarningSink, TAnswer> ask, TAnswer error) : TableQuestion
{
    /// <summary>What came of it.</summary>
    public TAnswer Answer { get; private set; } = error;

    /// <inheritdoc />
    public override void Ask() => Answer = ask(this);
}
