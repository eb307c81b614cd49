namespace Postern.Core.Tables;

/// <summary>Answer of a <see cref="MatchList"/>.</summary>
public enum MatchOutcome
{
    /// <summary>No item matches, or the first that does is negated.</summary>
    No,

    /// <summary>The first item that matches is not negated.</summary>
    Yes,

    /// <summary>An item could not be evaluated (which was logged); the rest of the list was not asked.</summary>
    Error,
}
