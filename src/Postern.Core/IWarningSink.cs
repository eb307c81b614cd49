namespace Postern.Core;

/// <summary>Receives warnings that a decision gives rise to, in Postfix's words and without the prefix <c>warning: </c>.</summary>
public interface IWarningSink
{
    /// <param name="text">One line, Latin-1 characters standing for bytes; the log escapes it.</param>
    void Warn(string text);

    /// <summary>Good news that is worth a line. Who has no place for such takes it as a warning.</summary>
    void Note(string text) => Warn(text);
}
