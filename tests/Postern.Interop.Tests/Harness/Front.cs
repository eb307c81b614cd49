namespace Postern.Interop.Tests.Harness;

/// <summary>Who screens the clients of a <see cref="MailHost"/>.</summary>
public enum Front
{
    /// <summary>The postscreen of the installed Postfix: what it does is right.</summary>
    Postscreen,

    /// <summary>Postern.</summary>
    Postern,
}
